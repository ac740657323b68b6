from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from allocation import knowledge, learning_nights, tasks
from allocation.learning_nights import learn_demand
from allocation.learnt import LearntDemand
from allocation.models import Decision
from parking_share.celery import app
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import AccessClass, CalendarDay, DayType
from sensors.models import OccupancyProfile, Stay
from tests.factories import hours, make_lot, make_space, make_user

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 11, 16)
NIGHT = datetime(2026, 11, 23, 3, 41, tzinfo=SHANGHAI)  # the Monday after


@pytest.fixture
def lot():
    return make_lot(capacity=100)


def local(day: int, hour: float) -> datetime:
    return datetime.combine(MONDAY + timedelta(days=day), datetime.min.time(), tzinfo=SHANGHAI) + hours(hour)


def ask(lot, day: int, hour: float, *, length_h: float = 2, lead_h: float = 1, driver=None, status="DECLINED"):
    starts_at = local(day, hour).astimezone(UTC)
    ends_at = starts_at + hours(length_h)
    return Reservation.objects.create(
        driver=driver or make_user(),
        lot=lot,
        status=status,
        starts_at=starts_at,
        ends_at=ends_at,
        held_from=starts_at,
        held_until=ends_at,
        requested_at=starts_at - hours(lead_h),
        decided_at=starts_at,
        price_cents=100,
        currency="CNY",
    )


def stay(lot, day: int, hour: float, *, length_h: float = 2, **fields) -> Stay:
    began_at = local(day, hour)
    return Stay.objects.create(lot=lot, source="GATE", began_at=began_at, ended_at=began_at + hours(length_h), **fields)


def learnt(lot, kind: DayType = DayType.WORKDAY) -> LearntDemand:
    return LearntDemand.objects.get(lot=lot, day_type=kind, superseded_at__isnull=True)


def test_requests_count_whether_accepted_or_declined(lot):
    ask(lot, 0, 9)
    ask(lot, 1, 9, status="COMPLETED", lead_h=3)
    ask(lot, 5, 14, length_h=4)

    learn_demand(now=NIGHT)

    workday, day_off = learnt(lot), learnt(lot, DayType.DAY_OFF)
    assert (workday.arrivals[36], workday.requests, workday.asked_days, workday.lead_total_h) == (2, 2, 5, 4)
    assert workday.wanted_lengths[7] == 2
    assert (day_off.arrivals[56], day_off.requests, day_off.asked_days) == (1, 1, 2)
    assert (workday.first_date, workday.last_date) == (MONDAY, MONDAY + timedelta(days=1))
    assert (workday.version, workday.learnt_at, workday.superseded_at) == (1, NIGHT, None)


def test_who_was_refused_and_asked_again_for_these_hours_counts_once(lot):
    driver = make_user()
    ask(lot, 0, 9, driver=driver)
    ask(lot, 0, 9.25, driver=driver)
    ask(lot, 0, 10, driver=driver, status="COMPLETED")
    ask(lot, 0, 16, driver=driver)

    learn_demand(now=NIGHT)

    assert [slot for slot, count in enumerate(learnt(lot).arrivals) if count] == [40, 64]


def test_what_the_platform_asked_for_is_no_demand(lot):
    Decision.objects.create(
        reservation=ask(lot, 0, 9, status="COMPLETED"),
        is_accepted=True,
        reason="REPLACEMENT",
        space=make_space(lot),
        policy_name="fcfs",
        policy_version=1,
        decided_at=NIGHT,
        spaces_considered=1,
    )
    ask(lot, 1, 9)

    learn_demand(now=NIGHT)

    assert learnt(lot).requests == 1


def test_today_and_what_lies_more_than_eight_weeks_back_count_for_nothing(lot):
    ask(lot, 7, 1)
    ask(lot, 7 - 57, 9)

    learn_demand(now=NIGHT)

    assert not LearntDemand.objects.exists()


def test_completed_stays_count_by_length_but_not_those_of_minutes_or_weeks(lot):
    for day, length_h in [(0, 2), (1, 2), (2, 0.05), (3, 25)]:
        stay(lot, day, 9, length_h=length_h)
    Stay.objects.create(lot=lot, source="GATE", began_at=local(4, 9))

    learn_demand(now=NIGHT)

    row = learnt(lot)
    assert (row.stays, row.stay_lengths[7], row.requests) == (2, 2, 0)


def test_who_drives_into_a_public_lot_without_asking_wanted_a_bay_too():
    everybody, _made = AccessClass.objects.get_or_create(code="PUBLIC", defaults={"openness": "1.00"})
    AccessClass.objects.filter(pk=everybody.pk).update(admits_public=True)
    public = make_lot(access_class=everybody)
    booked = ask(public, 0, 9, status="COMPLETED")
    stay(public, 0, 9, reservation=booked)
    stay(public, 0, 10, length_h=1)

    learn_demand(now=NIGHT)

    row = learnt(public)
    assert (row.arrivals[36], row.arrivals[40], row.stays, row.wanted_lengths[3]) == (1, 1, 2, 1)


def test_a_holiday_teaches_what_a_day_off_is_like(lot):
    CalendarDay.objects.create(region="CN", date=MONDAY, kind=CalendarDay.Kind.HOLIDAY, acts_as=7)
    ask(lot, 0, 9)

    learn_demand(now=NIGHT)

    assert [row.day_type for row in LearntDemand.objects.filter(lot=lot)] == [DayType.DAY_OFF]


def make_profile(lot, occupied: list[float | None], days: int = 40) -> OccupancyProfile:
    return OccupancyProfile.objects.create(
        lot=lot,
        day_type=DayType.WORKDAY,
        version=1,
        bays=100,
        mean_occupied=occupied,
        samples=[0 if mean is None else days for mean in occupied],
        first_date=MONDAY - timedelta(days=50),
        last_date=MONDAY,
        learned_at=NIGHT,
    )


def test_occupancy_comes_from_the_profile_in_force(lot):
    make_profile(lot, [20.0] * 40 + [80.0] * 40 + [None] * 16)

    learn_demand(now=NIGHT)

    row = learnt(lot)
    assert (row.occupied[0], row.occupied[95], row.occupied_days[0], row.days_seen) == (20, None, 40, 40)


def test_the_same_facts_give_no_new_version_and_new_ones_supersede(lot):
    ask(lot, 0, 9)
    learn_demand(now=NIGHT)
    learn_demand(now=NIGHT + hours(1))
    first = learnt(lot)

    ask(lot, 2, 9)
    learn_demand(now=NIGHT + hours(2))

    versions = LearntDemand.objects.filter(lot=lot).order_by("version")
    assert [(row.version, row.superseded_at) for row in versions] == [(1, NIGHT + hours(2)), (2, None)]
    assert versions[0].arrivals == first.arrivals


def test_batches_go_on_where_the_last_one_ended(lot, monkeypatch):
    monkeypatch.setattr(learning_nights, "LOTS_AT_ONCE", 1)
    other = make_lot()
    for one in (lot, other):
        ask(one, 0, 9)

    assert learn_demand(now=NIGHT) == lot.pk
    assert learn_demand(now=NIGHT, after_lot_id=lot.pk) == other.pk
    assert learn_demand(now=NIGHT, after_lot_id=other.pk) is None
    assert {row.lot_id for row in LearntDemand.objects.all()} == {lot.pk, other.pk}


def test_one_lot_that_can_not_be_learnt_costs_no_other_its_lesson(lot, caplog):
    broken, other = make_lot(), make_lot()
    for one in (lot, broken, other):
        ask(one, 0, 9)
    with connection.cursor() as cursor:  # a row of it can't be written, whoever tries
        cursor.execute(
            "ALTER TABLE allocation_learntdemand ADD CONSTRAINT broken_lot CHECK (lot_id <> %s)", [broken.pk]
        )

    learn_demand(now=NIGHT)

    assert {row.lot_id for row in LearntDemand.objects.all()} == {lot.pk, other.pk}
    assert [row.msg["lot"] for row in caplog.records if row.msg["event"] == "lot_not_learnt"] == [broken.pk]


def test_command_learns_all_lots_or_one(lot, capsys):
    other = make_lot()
    for one in (lot, other):
        stay(one, 0, 9)
        Stay.objects.filter(lot=one).update(
            began_at=datetime.now(UTC) - timedelta(days=3), ended_at=datetime.now(UTC) - timedelta(days=3, hours=-2)
        )

    call_command("learn_demand", lot=other.pk)
    assert LearntDemand.objects.filter(lot=other).exists()
    assert not LearntDemand.objects.filter(lot=lot).exists()

    call_command("learn_demand")
    assert LearntDemand.objects.filter(lot=lot).exists()
    with pytest.raises(CommandError):
        call_command("learn_demand", lot=0)


def test_beat_rings_for_it_every_night_and_one_batch_for_the_next(lot, monkeypatch):
    app.loader.import_default_modules()
    rung = []
    monkeypatch.setattr("parking_share.bells.ring", lambda name, **what: rung.append((name, what)))
    monkeypatch.setattr("parking_share.clock.now", lambda: NIGHT)
    ask(lot, 0, 9)

    tasks.learn_demand(a_later_version_says=1)
    tasks.learn_demand(after_lot_id=lot.pk)

    assert settings.CELERY_BEAT_SCHEDULE["demand"]["task"] in app.tasks
    assert rung == [("allocation.learn_demand", {"after_lot_id": lot.pk})]
    assert learnt(lot).requests == 1


def test_knowledge_costs_one_query_for_all_lots_and_then_none(lot, django_assert_num_queries):
    other = make_lot()
    ask(lot, 0, 9)
    learn_demand(now=NIGHT)
    knowledge.forget([lot.pk, other.pk])

    with django_assert_num_queries(1):
        known = knowledge.knowledge_by_lot([lot, other])
    with django_assert_num_queries(0):
        again = knowledge.knowledge_by_lot([lot, other])

    assert [set(known[one.pk].rows) for one in (lot, other)] == [{DayType.WORKDAY}, set()]
    assert again[lot.pk].rows[DayType.WORKDAY] == learnt(lot)


@pytest.mark.django_db(transaction=True)
def test_this_process_forgets_what_it_knew_once_more_is_learnt(lot):
    assert knowledge.knowledge_by_lot([lot])[lot.pk].rows == {}
    ask(lot, 0, 9)

    learn_demand(now=NIGHT)

    assert set(knowledge.knowledge_by_lot([lot])[lot.pk].rows) == {DayType.WORKDAY}
