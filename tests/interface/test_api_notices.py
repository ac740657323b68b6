"""What the platform told a person, over REST."""

import pytest

from allocation import services as allocation
from parking_share import clock
from parking_share.notices.models import Notice
from tests.interface.api import asked, driver, shared_lot

pytestmark = pytest.mark.django_db


def tell(user, lot):
    """A notice about a decision, as the notices' own service would write it."""
    reservation = allocation.request_reservation(driver=user, wish=asked(user, lot), now=clock.now())
    allocation.decide(lot_id=lot.pk, now=clock.now())
    event = reservation.events.order_by("-pk").first()
    return Notice.objects.create(recipient=user, event=event, created_at=clock.now())


def test_list_tells_what_happened_to_which_reservation():
    calls, lot = driver(), shared_lot()
    notice = tell(calls.user, lot)

    listed = calls.get("notices").json()["results"]

    assert len(listed) == 1
    assert (listed[0]["status"], listed[0]["reservation"]) == ("ACCEPTED", notice.event.reservation_id)
    assert (listed[0]["lot_name"], listed[0]["reason"]["sentence"]) == (lot.name, "A bay is kept for you.")
    assert (listed[0]["read_at"], listed[0]["space"]) == (None, None)


def test_mark_read_marks_the_callers_own_once():
    calls, rival, lot = driver(), driver(), shared_lot(spaces=2)
    tell(calls.user, lot)
    theirs = tell(rival.user, lot)

    first = calls.post("notices/read")
    second = calls.post("notices/read")

    assert (first.json(), second.json()) == ({"marked": 1}, {"marked": 0})
    assert calls.get("notices").json()["results"][0]["read_at"]
    theirs.refresh_from_db()
    assert theirs.read_at is None


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_however_long(django_assert_num_queries, rows):
    calls, lot = driver(), shared_lot(spaces=3)
    for _ in range(rows):
        tell(calls.user, lot)
    calls.get("notices")

    with django_assert_num_queries(3):
        calls.get("notices")
