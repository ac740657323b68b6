"""How a bay comes into a lot, and what its manager decides."""

from datetime import date, time

import pytest

from parking_share.spaces import lots
from parking_share.spaces.lots import Bay, LimitsRefused, ResidentRefused, SpaceRefused
from parking_share.spaces.models import BookingLimits, ShareWindow, Space
from parking_share.spaces.selectors import limits_of
from parking_share.spaces.services import publish_hours
from tests.factories import NOW, make_lot, make_space, make_user

pytestmark = pytest.mark.django_db

Standing = Space.Standing


def test_a_registered_bay_waits_for_approval():
    lot, owner = make_lot(), make_user()

    space = lots.register_space(owner=owner, lot=lot, bay=Bay(label=" B-12 ", has_charger=True), now=NOW)

    assert (space.label, space.owner, space.standing, space.has_charger) == ("B-12", owner, Standing.PENDING, True)


def test_a_label_is_registered_once_per_lot():
    lot, owner, rival = make_lot(name="翠竹苑"), make_user(), make_user()
    lots.register_space(owner=owner, lot=lot, bay=Bay(label="B-12"), now=NOW)

    with pytest.raises(SpaceRefused, match="B-12"):
        lots.register_space(owner=rival, lot=lot, bay=Bay(label="B-12"), now=NOW)

    assert lots.register_space(owner=rival, lot=make_lot(), bay=Bay(label="B-12"), now=NOW).owner == rival


def test_a_refused_bay_may_be_asked_for_again_by_its_owner_only():
    lot, owner, rival = make_lot(), make_user(), make_user()
    space = make_space(lot, owner=owner, label="B-12", standing=Standing.REFUSED)

    with pytest.raises(SpaceRefused):
        lots.register_space(owner=rival, lot=lot, bay=Bay(label="B-12"), now=NOW)
    again = lots.register_space(owner=owner, lot=lot, bay=Bay(label="B-12", size=3), now=NOW)

    assert (again.pk, again.standing, again.size) == (space.pk, Standing.PENDING, 3)


@pytest.mark.parametrize(
    ("now_is", "to"),
    [
        (Standing.PENDING, Standing.APPROVED),
        (Standing.PENDING, Standing.REFUSED),
        (Standing.APPROVED, Standing.PAUSED),
        (Standing.PAUSED, Standing.APPROVED),
        (Standing.REFUSED, Standing.APPROVED),
    ],
)
def test_a_manager_may_change_the_standing(now_is, to):
    space = make_space(make_lot(), standing=now_is)

    assert lots.change_standing(lot=space.lot, space_ids=[space.pk], to=to) == 1

    space.refresh_from_db()
    assert space.standing == to


def test_standing_changes_for_all_chosen_bays_or_for_none():
    lot = make_lot()
    pending, approved = make_space(lot, standing=Standing.PENDING), make_space(lot, label="used")

    with pytest.raises(SpaceRefused, match="used"):
        lots.change_standing(lot=lot, space_ids=[pending.pk, approved.pk], to=Standing.REFUSED)

    pending.refresh_from_db()
    assert pending.standing == Standing.PENDING


def test_bays_of_another_lot_are_out_of_reach():
    space = make_space(make_lot())

    with pytest.raises(SpaceRefused):
        lots.change_standing(lot=make_lot(), space_ids=[space.pk], to=Standing.PAUSED)

    space.refresh_from_db()
    assert space.standing == Standing.APPROVED


HOURS = {
    "weekdays": [1],
    "starts_at_local": time(8),
    "ends_at_local": time(18),
    "first_date": date(2026, 11, 23),
    "now": NOW,
}


def test_a_manager_publishes_hours_for_the_compounds_own_bays():
    lot = make_lot()
    chosen, other = [make_space(lot), make_space(lot)], make_space(lot)

    assert lots.publish_for_lot(lot=lot, space_ids=[space.pk for space in chosen], **HOURS) == 2

    shared = set(ShareWindow.objects.values_list("space_id", flat=True))
    assert shared == {space.pk for space in chosen}
    assert other.pk not in shared


def test_a_manager_does_not_publish_what_belongs_to_an_owner():
    lot = make_lot()
    mine, theirs = make_space(lot), make_space(lot, owner=make_user(), label="theirs")

    with pytest.raises(SpaceRefused, match="theirs"):
        lots.publish_for_lot(lot=lot, space_ids=[mine.pk, theirs.pk], **HOURS)

    assert not ShareWindow.objects.exists()


def test_a_lot_may_have_limits_of_its_own_and_give_them_up():
    lot = make_lot()

    lots.set_limits(lot=lot, longest_stay_min=120)
    assert (limits_of(lot).longest_stay_min, limits_of(make_lot()).longest_stay_min) == (120, 3 * 24 * 60)

    lots.drop_limits(lot=lot)
    assert limits_of(lot).longest_stay_min == 3 * 24 * 60


@pytest.mark.parametrize(
    "values",
    [{"longest_stay_min": 5}, {"shortest_stay_min": 0}, {"furthest_ahead_days": 56}, {"no_show_grace_min": -1}],
)
def test_limits_that_make_no_sense_are_refused(values):
    lot = make_lot()

    with pytest.raises(LimitsRefused):
        lots.set_limits(lot=lot, **values)

    assert not BookingLimits.objects.filter(lot=lot).exists()


def test_residents_are_named_by_address_or_number_once():
    lot = make_lot()
    by_mail, by_phone = make_user(email="lin@example.org"), make_user(email=None, phone="+8613800138000")

    added = [lots.add_resident(lot=lot, contact=contact).user for contact in ("LIN@example.org ", "+86 138 0013 8000")]

    assert added == [by_mail, by_phone]
    for contact in ("lin@example.org", "nobody@example.org"):
        with pytest.raises(ResidentRefused):
            lots.add_resident(lot=lot, contact=contact)


def test_a_resident_is_removed_from_ones_own_list_only():
    lot, user = make_lot(), make_user()
    resident = lots.add_resident(lot=lot, contact=user.email)

    lots.remove_resident(lot=make_lot(), resident_id=resident.pk)
    assert lot.residents.count() == 1

    lots.remove_resident(lot=lot, resident_id=resident.pk)
    assert lot.residents.count() == 0


def test_a_bay_asked_for_again_keeps_its_hours_and_takes_the_new_return_margin():
    lot, owner = make_lot(), make_user()
    space = make_space(lot, owner=owner, label="B-12", standing=Standing.REFUSED, return_margin_min=15)
    publish_hours(
        space=space,
        weekdays=[1],
        starts_at_local=time(9),
        ends_at_local=time(18),
        first_date=date(2026, 11, 23),
        last_date=date(2026, 11, 23),
        now=NOW,
    )

    lots.register_space(owner=owner, lot=lot, bay=Bay(label="B-12", return_margin_min=60), now=NOW)

    window = space.windows.current().get()
    assert f"{window.ends_at.astimezone(lot.zone):%H:%M}" == "17:00"


def test_limits_refuse_days_beyond_the_shown_windows_in_a_sentence():
    with pytest.raises(LimitsRefused, match="最多只能提前 55 天"):
        lots.set_limits(lot=make_lot(), furthest_ahead_days=56)
