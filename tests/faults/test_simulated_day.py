"""A day of the demo city with everything going wrong that may: no promise is broken without a record."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from parking_share.demo.seeding import Size, seed_city
from parking_share.fulfilment.models import GateAnswer
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import LandUse
from sensors.models import BayState, OutboxRow, RawMessage, Reading, Stay
from tests.live import LiveSite, live_site

SHANGHAI = ZoneInfo("Asia/Shanghai")
VILLAGE = Size(
    lots={LandUse.COMMERCIAL: 4, LandUse.OFFICE: 6, LandUse.PUBLIC: 3, LandUse.RESIDENTIAL: 14},
    drivers=110,
    stays=420,
    days_back=1,
)
STARTING_TAKES = timedelta(seconds=20)
Verdict = GateAnswer.Verdict


def next_morning() -> datetime:
    """The next 07:00 in Shanghai: the demo's clock can run ahead of the real one, not behind it."""
    now = datetime.now(SHANGHAI)
    morning = now.replace(hour=7, minute=0, second=0, microsecond=0)
    return (morning if morning > now + timedelta(hours=1) else morning + timedelta(days=1)).astimezone(UTC)


def clock_that_shows(begin: datetime, *, at: datetime, speed: float) -> dict[str, str]:
    """The environment of a clock that runs `speed` times as fast and shows `begin` at the real instant `at`."""
    started_at = at - (begin - at) / (speed - 1)
    return {"CLOCK_SPEED": f"{speed:g}", "CLOCK_STARTED_AT": started_at.isoformat()}


def manage(site: LiveSite, *arguments: str, timeout_s: float) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=site.environment | {"LANGUAGE_CODE": "en"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture
def city(transactional_db) -> datetime:
    begin = next_morning()
    assert seed_city(now=begin, tick=lambda _quarters: None, size=VILLAGE)
    return begin


def test_a_day_with_every_fault_breaks_no_promise_without_a_record(city, broker, is_full):
    hours, speed = (24.0, 120.0) if is_full else (3.0, 180.0)
    environment = clock_that_shows(city, at=datetime.now(UTC) + STARTING_TAKES, speed=speed)
    with live_site(web_workers=2, celery_concurrency=2, beat=True, environment=environment) as site:
        lived = manage(
            site, "simulate_city", "--site", site.address, "--hours", f"{hours:g}", "--lots", "13",
            "--sensor-lots", "6", "--bookings", "60", timeout_s=hours * 3600 / speed + 240,
        )  # fmt: skip
        time.sleep(15)
        checked = manage(site, "check_invariants", timeout_s=120)

    assert lived.returncode == 0, lived.stderr
    assert "HTTP 5" not in lived.stdout
    assert checked.returncode == 0, checked.stdout
    assert Reading.objects.filter(is_replayed=True).exists()
    assert BayState.objects.exists()
    assert Stay.objects.filter(reservation__isnull=False).exists()
    assert GateAnswer.objects.filter(verdict=Verdict.RESERVED, opens=True).exists()
    assert not RawMessage.objects.exclude(state=RawMessage.State.READ).exists()
    assert not OutboxRow.objects.filter(tries__gte=5).exists()


def test_every_driver_who_was_accepted_parked_or_is_accounted_for(city, broker, is_full):
    """Without faults: everybody who comes is let in, and nobody's bay is lost."""
    hours, speed = (12.0, 120.0) if is_full else (1.5, 180.0)
    environment = clock_that_shows(city, at=datetime.now(UTC) + STARTING_TAKES, speed=speed)
    with live_site(web_workers=2, celery_concurrency=2, beat=True, environment=environment) as site:
        lived = manage(
            site, "simulate_city", "--site", site.address, "--hours", f"{hours:g}", "--lots", "13",
            "--sensor-lots", "0", "--bookings", "30", "--faults", "none", timeout_s=hours * 3600 / speed + 240,
        )  # fmt: skip
        checked = manage(site, "check_invariants", timeout_s=120)

    assert lived.returncode == 0, lived.stderr
    assert checked.returncode == 0, checked.stdout
    assert "not let in" not in lived.stdout
    assert not Reservation.objects.filter(status=Status.RELEASED, events__happened_at__gt=city).exists()
