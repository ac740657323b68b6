"""The pages on which staff see why, compute it again, and overrule."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allocation import services
from allocation.models import LotPolicy
from parking_share import clock
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot, Role
from tests.factories import grant, hours, make_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot() -> Lot:
    """One bay, and the published method, which declines short stays in it."""
    lot = make_lot()
    make_window(make_space(lot), clock.now() - hours(1), clock.now() + hours(30))
    LotPolicy.objects.create(lot=lot, name="two_stage")
    return lot


@pytest.fixture
def manager(client, lot):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    user = make_user()
    grant(user, Role.MANAGER, lot=lot)
    client.force_login(user)
    return user


def asked(lot: Lot, *, hours_long: float = 1) -> Reservation:
    driver, starts_at = make_user(), clock.now() + hours(1)
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=starts_at + hours(hours_long))
    reservation = services.request_reservation(driver=driver, wish=wish, now=clock.now())
    services.decide(lot_id=lot.pk, now=clock.now())
    return Reservation.objects.get(pk=reservation.pk)


def address(reservation: Reservation) -> str:
    return reverse("web:lot_decision", args=[reservation.lot_id, reservation.pk])


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_a_rejection_is_explained_computed_again_and_overruled(client, lot, manager):
    declined = asked(lot)

    shown = text(client.get(address(declined)))
    again = text(client.get(address(declined), {"replay": "1"}))
    answer = client.post(address(declined), {"why": "a doctor on duty", "space": ""}, follow=True)

    assert "1 bay suits. 1 of them was free for the whole period." in shown.replace("</p><p>", " ").replace(
        "</p> <p>", " "
    )
    assert "Policy: two-stage, version 1." in shown
    assert "Computed again from what was known then: identical." in again
    assert "a doctor on duty" in text(answer)
    assert "waits for the next round" in text(answer)
    services.decide(lot_id=lot.pk, now=clock.now())
    declined.refresh_from_db()
    assert declined.status == Status.ACCEPTED


def test_a_bay_is_chosen_and_the_choice_lifted(client, lot, manager):
    accepted = asked(lot, hours_long=20)
    assert accepted.status == Status.ACCEPTED

    pinned = client.post(address(accepted), {"why": "beside the lift", "space": accepted.space_id}, follow=True)
    lifted = client.post(address(accepted), {"unpin": "1"}, follow=True)

    assert "chosen by staff" in text(pinned)
    assert "chosen by staff" not in text(lifted)
    assert [(one.why, one.pinned_by, one.lifted_by) for one in accepted.pins.all()] == [
        ("beside the lift", manager, manager)
    ]


def test_a_wish_without_a_reason_or_for_another_lots_bay_is_refused_beside_the_field(client, lot, manager):
    declined, elsewhere = asked(lot), make_space(make_lot())

    answers = [
        client.post(address(declined), {"why": "", "space": ""}),
        client.post(address(declined), {"why": "please", "space": elsewhere.pk}),
    ]

    assert [list(answer.context["form"].errors) for answer in answers] == [["why"], ["space"]]
    assert not declined.overrulings.exists()


def test_a_stranger_and_the_manager_of_another_lot_find_nothing(client, lot, manager):
    theirs = asked(make_lot())

    assert client.get(address(theirs)).status_code == 404
    assert client.post(address(theirs), {"why": "please"}).status_code == 404
    assert client.get(reverse("web:lot_decisions", args=[theirs.lot_id])).status_code == 404
    assert client.get(reverse("web:lot_decision", args=[lot.pk, theirs.pk])).status_code == 404
    assert not theirs.overrulings.exists()


def test_staff_of_the_district_may_overrule_too(client, lot):
    staff = make_user()
    grant(staff, Role.CITY_STAFF, district=lot.district)
    client.force_login(staff)
    declined = asked(lot)

    client.post(address(declined), {"why": "a doctor on duty", "space": ""})

    assert declined.overrulings.get().made_by == staff


def test_the_list_costs_the_same_for_one_row_and_for_three(client, lot, manager):
    url = reverse("web:lot_decisions", args=[lot.pk])
    asked(lot)
    client.get(url)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    asked(lot), asked(lot, hours_long=20)

    with CaptureQueriesContext(connection) as three:
        shown = client.get(url)

    assert len(shown.context["page_obj"]) == 3
    assert [row.status for row in shown.context["page_obj"]] == ["DECLINED", "DECLINED", "ACCEPTED"]
    assert len(three) == len(one) <= 12
