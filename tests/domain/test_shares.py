"""Share rules, the windows made of them, and what stays promised."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import close_old_connections, connection

from allocation import services as allocation
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transition
from parking_share.reservations.use import promised_outside_hours
from parking_share.spaces import services
from parking_share.spaces.models import CalendarDay, ShareWindow, Space
from tests.factories import NOW, hours, make_lot, make_space, make_user, make_vehicle, share_weekly

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")


def bay(margin: int = 0, **lot_fields) -> Space:
    return make_space(make_lot(**lot_fields), return_margin_min=margin)


def windows_of(space: Space) -> list[ShareWindow]:
    return list(ShareWindow.objects.filter(space=space, superseded_at__isnull=True).order_by("starts_at"))


def local(space: Space, *, first: date, last: date | None = None) -> list[str]:
    """The current windows that begin on these local dates, in local time, with their length in hours."""
    zone = space.lot.zone
    return [
        f"{starts:%a %H:%M}-{ends:%a %H:%M} {(ends.astimezone(UTC) - starts.astimezone(UTC)) / hours(1):g}h"
        for starts, ends in (
            (row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)) for row in windows_of(space)
        )
        if first <= starts.date() <= (last or first)
    ]


def publish(space: Space, starts: str, ends: str, *, now: datetime = NOW, **fields) -> None:
    share_weekly(space, starts_at=time.fromisoformat(starts), ends_at=time.fromisoformat(ends), now=now, **fields)


def test_hours_over_midnight_are_one_window():
    space = bay()

    publish(space, "18:00", "08:00", weekdays=[1])

    assert local(space, first=date(2026, 11, 23)) == ["Mon 18:00-Tue 08:00 14h"]


def test_an_end_equal_to_the_start_means_a_whole_day():
    space = bay()

    publish(space, "09:00", "09:00", weekdays=[3])

    assert local(space, first=date(2026, 11, 25)) == ["Wed 09:00-Thu 09:00 24h"]


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 29), "23h", id="Berlin in spring"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), "25h", id="Berlin in autumn"),
        pytest.param("America/New_York", date(2026, 3, 8), "23h", id="New York in spring"),
        pytest.param("America/New_York", date(2026, 11, 1), "25h", id="New York in autumn"),
    ],
)
def test_a_whole_local_day_is_as_long_as_the_clock_makes_it(zone, day, length):
    space = bay(time_zone=zone)

    publish(
        space,
        "00:00",
        "00:00",
        first_date=day,
        last_date=day,
        now=datetime.combine(day, time(), tzinfo=UTC) - timedelta(days=3),
    )

    assert [text.rpartition(" ")[2] for text in local(space, first=day)] == [length]


@pytest.mark.parametrize(
    ("day", "starts", "ends", "expected"),
    [
        pytest.param(date(2026, 3, 28), "22:00", "06:00", ["Sat 22:00-Sun 06:00 7h"], id="the short night"),
        pytest.param(date(2026, 10, 24), "22:00", "06:00", ["Sat 22:00-Sun 06:00 9h"], id="the long night"),
        pytest.param(date(2026, 3, 29), "02:30", "04:00", ["Sun 03:30-Sun 04:00 0.5h"], id="a start that is skipped"),
        pytest.param(date(2026, 3, 29), "02:15", "02:45", ["Sun 03:15-Sun 03:45 0.5h"], id="both skipped"),
        pytest.param(date(2026, 3, 29), "02:30", "03:00", [], id="nothing is left of it"),
        pytest.param(date(2026, 10, 25), "02:30", "03:00", ["Sun 02:30-Sun 03:00 1.5h"], id="a start that comes twice"),
        pytest.param(date(2026, 10, 25), "01:00", "02:30", ["Sun 01:00-Sun 02:30 1.5h"], id="an end that comes twice"),
    ],
)
def test_nights_on_which_the_clock_changes_in_berlin(day, starts, ends, expected):
    space = bay(time_zone="Europe/Berlin")
    before = datetime.combine(day, time(), tzinfo=UTC) - timedelta(days=3)

    publish(space, starts, ends, first_date=day, last_date=day, now=before)

    assert local(space, first=day) == expected


def test_a_zone_off_the_full_hour_keeps_its_local_times():
    space = bay(time_zone="Asia/Kathmandu")

    publish(space, "08:30", "18:00", weekdays=[2])

    first = windows_of(space)[0]
    assert (first.starts_at, first.ends_at) == (
        datetime(2026, 11, 24, 2, 45, tzinfo=UTC),
        datetime(2026, 11, 24, 12, 15, tzinfo=UTC),
    )


def test_calendar_days_act_as_the_weekday_they_stand_for():
    space = bay()
    CalendarDay.objects.create(date=date(2026, 11, 26), kind=CalendarDay.Kind.HOLIDAY, acts_as=7)
    CalendarDay.objects.create(date=date(2026, 11, 29), kind=CalendarDay.Kind.MAKE_UP_WORKDAY, acts_as=4)

    publish(space, "08:30", "18:00", weekdays=[4])

    assert local(space, first=date(2026, 11, 23), last=date(2026, 12, 3)) == [
        "Sun 08:30-Sun 18:00 9.5h",
        "Thu 08:30-Thu 18:00 9.5h",
    ]


def test_a_calendar_of_one_region_says_nothing_of_another():
    space = bay(time_zone="Europe/Berlin")
    CalendarDay.objects.create(date=date(2026, 11, 26), kind=CalendarDay.Kind.HOLIDAY, acts_as=7)

    publish(space, "08:30", "18:00", weekdays=[4])

    assert local(space, first=date(2026, 11, 26)) == ["Thu 08:30-Thu 18:00 9.5h"]


def test_touching_rules_make_one_window_that_a_stay_may_cross():
    space = bay(margin=30)
    publish(space, "08:00", "12:00", weekdays=[1])
    publish(space, "12:00", "18:00", weekdays=[1])
    assert local(space, first=date(2026, 11, 23)) == ["Mon 08:00-Mon 17:30 9.5h"]

    crossing = ask(space, 3, 5)

    assert (crossing.status, crossing.space_id) == (Status.ACCEPTED, space.pk)


def test_overlapping_rules_make_one_window():
    space = bay()

    publish(space, "08:00", "13:00", weekdays=[1])
    publish(space, "12:00", "18:00", weekdays=[1])

    assert local(space, first=date(2026, 11, 23)) == ["Mon 08:00-Mon 18:00 10h"]


def test_nights_that_touch_days_run_on_until_somebody_needs_the_bay():
    space = bay(margin=15)

    publish(space, "00:00", "00:00", weekdays=[1, 2])

    assert local(space, first=date(2026, 11, 23), last=date(2026, 11, 29)) == ["Mon 00:00-Tue 23:45 47.75h"]


def test_the_margin_is_taken_after_merging_and_before_every_gap():
    space = bay(margin=60)
    publish(space, "08:00", "18:00", weekdays=[2])

    services.withdraw_hours(
        space=space,
        starts_at=datetime(2026, 11, 24, 12, tzinfo=SHANGHAI),
        ends_at=datetime(2026, 11, 24, 13, tzinfo=SHANGHAI),
        now=NOW,
    )

    assert local(space, first=date(2026, 11, 24)) == ["Tue 08:00-Tue 11:00 3h", "Tue 13:00-Tue 17:00 4h"]


def test_what_is_no_longer_than_the_margin_is_not_shared():
    space = bay(margin=60)

    publish(space, "08:00", "09:00", weekdays=[2])

    assert windows_of(space) == []


def test_hours_taken_out_can_be_given_back():
    space = bay()
    publish(space, "08:00", "18:00", weekdays=[2])
    taken = services.withdraw_hours(
        space=space,
        starts_at=datetime(2026, 11, 24, 0, tzinfo=SHANGHAI),
        ends_at=datetime(2026, 11, 25, 0, tzinfo=SHANGHAI),
        now=NOW,
    )
    assert local(space, first=date(2026, 11, 24)) == []

    services.restore_hours(exception=taken, now=NOW)

    assert local(space, first=date(2026, 11, 24)) == ["Tue 08:00-Tue 18:00 10h"]


def test_windows_are_versioned_and_never_rewritten():
    space = bay()
    publish(space, "08:00", "12:00", first_date=date(2026, 11, 24), last_date=date(2026, 11, 24))
    old = windows_of(space)[0]
    was = (old.starts_at, old.ends_at, old.created_at)

    publish(space, "11:00", "15:00", first_date=date(2026, 11, 24), last_date=date(2026, 11, 24), now=NOW + hours(1))

    old.refresh_from_db()
    assert (old.starts_at, old.ends_at, old.created_at) == was
    assert old.superseded_at == NOW + hours(1)
    assert [row.created_at for row in windows_of(space)] == [NOW + hours(1)]


def test_materialising_twice_changes_nothing():
    space = bay(margin=15)
    publish(space, "18:00", "08:00")
    before = list(ShareWindow.objects.order_by("pk").values_list())

    assert services.materialise_windows(space=space, now=NOW) == 0
    assert services.materialise_lot(lot_id=space.lot_id, now=NOW) == 0
    assert list(ShareWindow.objects.order_by("pk").values_list()) == before


def test_a_later_day_only_adds_windows_at_the_far_end():
    space = bay()
    publish(space, "08:00", "18:00")
    kept = {row.pk for row in windows_of(space) if row.ends_at > NOW + timedelta(days=2)}

    assert services.materialise_windows(space=space, now=NOW + timedelta(days=2)) == 2

    assert kept < {row.pk for row in windows_of(space)}


def test_hours_that_reach_back_to_a_window_that_is_over_replace_it():
    """The window that is over and the longer one that begins before it and ends tonight can't both be in force."""
    space = bay()
    publish(space, "06:00", "07:00", weekdays=[1], now=NOW - hours(3))
    over = windows_of(space)[0]
    assert over.ends_at == NOW - hours(1)

    publish(space, "06:30", "20:00", weekdays=[1])

    over.refresh_from_db()
    assert over.superseded_at == NOW
    assert local(space, first=date(2026, 11, 23)) == ["Mon 06:00-Mon 20:00 14h"]


def test_a_smaller_margin_revives_a_window_that_has_just_ended():
    space = bay(margin=60)
    publish(space, "00:00", "08:30", weekdays=[1], now=NOW - timedelta(days=1))
    assert local(space, first=date(2026, 11, 23)) == ["Mon 00:00-Mon 07:30 7.5h"]

    services.set_return_margin(space=space, minutes=15, now=NOW)

    assert local(space, first=date(2026, 11, 23)) == ["Mon 00:00-Mon 08:15 8.25h"]


def test_a_window_that_is_over_stays_in_force_where_nothing_touches_it():
    space = bay()
    publish(space, "00:00", "06:00", weekdays=[1], now=NOW - timedelta(days=1))
    over = windows_of(space)[0]

    publish(space, "09:00", "12:00", weekdays=[1])

    over.refresh_from_db()
    assert over.superseded_at is None


def test_a_margin_that_changed_meanwhile_counts():
    """The nightly job loads its spaces first; what an owner changes after that must not be undone."""
    space = bay(margin=0)
    publish(space, "08:00", "18:00", weekdays=[2])
    loaded_before = Space.objects.select_related("lot").get(pk=space.pk)
    services.set_return_margin(space=space, minutes=120, now=NOW)

    services.materialise_windows(space=loaded_before, now=NOW)

    assert local(space, first=date(2026, 11, 24)) == ["Tue 08:00-Tue 16:00 8h"]


def ask(space: Space, starts_in: float, ends_in: float) -> Reservation:
    driver = make_user()
    reservation = allocation.request_reservation(
        driver=driver,
        wish=Wish(
            lot=space.lot,
            vehicles=[make_vehicle(driver)],
            starts_at=NOW + hours(starts_in),
            ends_at=NOW + hours(ends_in),
        ),
        now=NOW,
    )
    allocation.decide(lot_id=space.lot_id, now=NOW)
    reservation.refresh_from_db()
    return reservation


def test_a_withdrawn_rule_leaves_promises_alone_and_ends_the_rest():
    space = bay()
    publish(space, "08:00", "18:00", weekdays=[1])
    promised = ask(space, 2, 4)

    services.withdraw_rule(rule=space.rules.get(), now=NOW)

    promised.refresh_from_db()
    assert (promised.status, promised.space_id) == (Status.ACCEPTED, space.pk)
    assert windows_of(space) == []
    assert list(promised_outside_hours(space, now=NOW)) == [promised]
    assert ask(space, 5, 6).status == Status.DECLINED
    allocation.assign_arrivals(lot_id=space.lot_id, now=NOW + hours(2))
    promised.refresh_from_db()
    assert (promised.status, promised.space_id) == (Status.ASSIGNED, space.pk)


def test_a_period_taken_out_leaves_promises_alone():
    space = bay(margin=30)
    publish(space, "08:00", "18:00", weekdays=[1])
    promised, untouched = ask(space, 2, 4), ask(space, 6, 7)

    services.withdraw_hours(space=space, starts_at=NOW + hours(3), ends_at=NOW + hours(5), now=NOW)

    promised.refresh_from_db()
    assert promised.status == Status.ACCEPTED
    assert list(promised_outside_hours(space, now=NOW)) == [promised]
    assert untouched.status == Status.ACCEPTED


def test_a_cancelled_promise_is_a_promise_no_longer():
    space = bay()
    publish(space, "08:00", "18:00", weekdays=[1])
    promised = ask(space, 2, 4)
    services.withdraw_rule(rule=space.rules.get(), now=NOW)

    make_transition(Change(reservation_id=promised.pk, to=Status.CANCELLED, reason=Reason.CANCELLED_BY_DRIVER), at=NOW)

    assert list(promised_outside_hours(space, now=NOW)) == []


def in_threads(*calls: Callable[[], object]) -> list[BaseException]:
    """Run the calls at once, each in a thread with a connection of its own; return what they raised."""
    errors: list[BaseException] = []
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        close_old_connections()
        try:
            gate.wait()
            call()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_publishing_while_the_job_materialises_leaves_no_overlap_and_no_deadlock():
    space = bay(margin=15)
    publish(space, "08:00", "10:00")

    for number in range(5):
        now = NOW + timedelta(minutes=number)
        errors = in_threads(
            lambda now=now: services.materialise_lot(lot_id=space.lot_id, now=now),
            lambda now=now, number=number: publish(space, f"{9 + number:02d}:30", f"{11 + number}:30", now=now),
            lambda now=now: services.set_return_margin(space=space, minutes=now.minute, now=now),
        )
        assert errors == []

    space.refresh_from_db()
    assert [(row.starts_at, row.ends_at) for row in windows_of(space)] == services.planned_windows(
        space, now=NOW + timedelta(minutes=4)
    )


def test_a_bell_is_rung_once_for_every_lot_with_rules():
    space = bay(margin=15)
    publish(space, "08:00", "10:00")
    publish(space, "12:00", "14:00")
    bay(margin=15)

    assert services.ring_for_windows() == 1
