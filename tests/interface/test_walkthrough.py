"""The walk-through of docs/api.md, run as it stands there against a real site."""

import os
import re
import shutil
import subprocess

import pytest

from parking_share import clock
from parking_share.reservations.models import Reservation
from tests.factories import PASSWORD, hours, make_shared_lot, make_user
from tests.live import ROOT, live_site

DOCUMENT = ROOT / "docs" / "api.md"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def site(django_db_setup):
    with live_site() as site:
        yield site


def test_walkthrough_does_what_the_document_says(site, tmp_path):
    assert shutil.which("curl"), "The walk-through needs curl: apt-get install curl."
    driver = make_user(email="driver@example.org")
    lot = make_shared_lot(
        starts_at=clock.now() - hours(1), ends_at=clock.now() + hours(30), latitude=22.5482, longitude=114.1315
    )
    script = "set -euo pipefail\n" + "\n".join(re.findall(r"^```bash\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S))
    here = {"LATITUDE": "22.548", "LONGITUDE": "114.131"}
    environment = os.environ | here | {"SITE": site.address, "LOGIN": driver.email, "PASSWORD": PASSWORD}

    walk = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert walk.returncode == 0, f"{walk.stdout}\n{walk.stderr}"
    reservation = Reservation.objects.get(driver=driver)
    assert (reservation.lot, reservation.status) == (lot, "CANCELLED")
    assert [event.to_status for event in reservation.events.all()] == ["REQUESTED", "ACCEPTED", "CANCELLED"]
    assert "ACCEPTED" in walk.stdout
