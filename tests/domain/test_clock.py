from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from parking_share import clock

STARTED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_clock_that_runs_as_usual_tells_the_real_time(settings):
    settings.CLOCK_SPEED, settings.CLOCK_STARTED_AT = 1.0, None

    before = timezone.now()
    assert before <= clock.now() <= timezone.now()


@pytest.mark.parametrize(
    ("real_seconds", "platform_seconds"), [(0, 0), (1, 60), (60, 3600), (24 * 60, 24 * 3600), (-30, -30)]
)
def test_clock_runs_faster_from_its_start_on(real_seconds, platform_seconds):
    real = STARTED + timedelta(seconds=real_seconds)

    shown = clock.platform_time(real, started_at=STARTED, speed=60)

    assert shown == STARTED + timedelta(seconds=platform_seconds)


def test_faster_clock_agrees_between_processes_and_never_runs_backwards():
    reals = [STARTED + timedelta(milliseconds=step * 37) for step in range(-100, 1000)]

    shown = [clock.platform_time(real, started_at=STARTED, speed=300) for real in reals]

    assert shown == sorted(shown)
    assert shown == [clock.platform_time(real, started_at=STARTED, speed=300) for real in reals]


def test_shell_reads_the_faster_clock(settings):
    settings.CLOCK_SPEED, settings.CLOCK_STARTED_AT = 3600.0, timezone.now() - timedelta(seconds=10)

    ahead = clock.now() - timezone.now()

    assert timedelta(hours=9.9) < ahead < timedelta(hours=11)


def test_clock_without_a_start_keeps_real_time():
    assert clock.platform_time(STARTED, started_at=None, speed=60) == STARTED
