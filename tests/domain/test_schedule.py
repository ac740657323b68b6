from datetime import timedelta

from celery.schedules import crontab

from parking_share.schedule import timetable


def test_intervals_follow_the_platforms_clock_but_ring_at_most_once_a_second():
    usual, fast = timetable(clock_speed=1), timetable(clock_speed=20)

    assert (usual["roll_up"]["schedule"], fast["roll_up"]["schedule"]) == (timedelta(seconds=60), timedelta(seconds=3))
    assert fast["sweep"]["schedule"] == timedelta(seconds=1)
    assert {name: job["task"] for name, job in fast.items()} == {name: job["task"] for name, job in usual.items()}


def test_times_of_day_stay_what_they_are_and_asking_twice_changes_nothing():
    before = timetable(clock_speed=1)

    fast = [timetable(clock_speed=20) for _ in range(2)]

    assert isinstance(before["demand"]["schedule"], crontab)
    assert fast[0]["demand"] == before["demand"]
    assert fast[0] == fast[1]
    assert timetable(clock_speed=1)["roll_up"]["schedule"] == timedelta(seconds=60)
