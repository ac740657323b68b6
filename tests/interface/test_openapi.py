"""The committed description of the API is what the code makes, and says every status that the code answers."""

import os
import subprocess
import sys
from datetime import time, timedelta
from pathlib import Path

import pytest
import yaml
from django.test import Client

from allocation import services as allocation
from parking_share import clock
from parking_share.accounts.services import issue_api_token
from parking_share.api.schema import described
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import BookingLimits
from tests.factories import PASSWORD, make_space, make_user, make_vehicle, share_weekly
from tests.interface.api import asked as wished
from tests.interface.api import shared_lot
from tests.live import ROOT, live_site

COMMITTED = ROOT / "docs" / "openapi.yaml"
CASES_OF_THE_ISSUE = 2_000
SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
SEED = 20261123
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def operations():
    document = yaml.safe_load(described())
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_committed_description_is_up_to_date():
    assert COMMITTED.read_bytes() == described(), "docs/openapi.yaml is not up to date; run ./run generate."


@pytest.mark.django_db
def test_description_is_served():
    answer = Client().get("/api/v1/openapi.yaml")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/yaml")
    assert answer.content == described()


def test_every_operation_documents_its_problems():
    missing = {
        name: wanted - operation["responses"].keys()
        for name, operation in operations().items()
        if (
            wanted := {"400", "401", "404", "405", "406", "429", "503"}
            | (set() if name.startswith("GET") else {"403", "409"})
            | ({"413", "415"} if "requestBody" in operation else set())
        )
        - operation["responses"].keys()
    }

    assert missing == {}
    assert {name for name, operation in operations().items() if "422" in operation["responses"]} == {
        "POST /api/v1/reservations"
    }


def test_no_address_and_no_query_holds_a_plate():
    named = {name: {one["name"] for one in operation.get("parameters", [])} for name, operation in operations().items()}

    assert {name for name, parameters in named.items() if "plate" in name or "plate" in parameters} == set()


def a_world(user):
    """Rows that generated requests can meet, some of them somebody else's; return their numbers by parameter."""
    BookingLimits.objects.filter(lot=None).delete()
    BookingLimits.objects.create(lot=None, open_requests_per_driver=10_000)
    stranger, lot, full = make_user(), shared_lot(spaces=4), shared_lot(spaces=1)
    spaces = [make_space(lot, owner=owner) for owner in (user, stranger)]
    share_weekly(spaces[0], starts_at=time(8), ends_at=time(18))
    asked = [
        (stranger, full, 1, 4),
        (user, full, 2, 3),
        (user, lot, 0.1, 2),
        (user, lot, 26, 28),
        (stranger, lot, 1, 3),
    ]
    reservations = [
        allocation.request_reservation(driver=driver, wish=wished(driver, where, *times), now=clock.now())
        for driver, where, *times in asked
    ]
    for one in (lot, full):
        allocation.decide(lot_id=one.pk, now=clock.now())
        allocation.assign_arrivals(lot_id=one.pk, now=clock.now())
    return {
        "lot_id": [lot.pk, full.pk, 0],
        "reservation_id": [reservation.pk for reservation in reservations],
        "space_id": [space.pk for space in spaces],
        "vehicle_id": [make_vehicle(user).pk, make_vehicle(stranger).pk],
        "vehicles": [make_vehicle(user).pk for _ in range(8)],
    }


def sharpened(document, ids, login):
    """The description with values that meet rows: numbers that exist, times around now, a password that is right."""
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    starts = [(now + timedelta(hours=hours)).isoformat() for hours in (1, 2, 24, 26)] + ["2001-01-01T00:00:00Z"]
    ends = [(now + timedelta(hours=hours)).isoformat() for hours in (3, 5, 27)] + ["2099-12-31T23:59:59+14:00"]
    known = {
        **{name: {"type": "integer", "enum": numbers} for name, numbers in ids.items()},
        "starts_at": {"type": "string", "enum": starts},
        "ends_at": {"type": "string", "enum": ends},
        "Prefer": {"type": "string", "enum": ["wait=1", "wait=0", "respond-async", "wait=x"]},
    }
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                parameter["schema"] = known.get(parameter["name"], parameter["schema"])
    schemas = document["components"]["schemas"]
    for name in ("ReservationIn", "PeriodIn"):
        schemas[name]["properties"] |= {"starts_at": known["starts_at"], "ends_at": known["ends_at"]}
    schemas["ReservationIn"]["properties"]["lot"] = known["lot_id"]
    schemas["ReservationIn"]["properties"]["vehicles"]["items"] = known["vehicles"]
    schemas["VehicleIn"]["properties"]["plate"] = {"type": "string", "pattern": "^[A-Z]{2}[0-9]{5}$"}
    schemas["TokenIn"]["properties"]["login"] = {"type": "string", "enum": [login, "nobody@example.org"]}
    schemas["TokenIn"]["properties"]["password"] = {"type": "string", "enum": [PASSWORD]}
    return document


@pytest.fixture(scope="module")
def site(django_db_setup):
    with live_site(web_threads=8) as site:
        yield site


def cases_per_operation():
    return max(1, int(os.environ.get("FUZZ_CASES", "50")) // len(operations()))


@pytest.mark.fuzz
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["anonymous", "driver", "owner"])
def test_generated_requests_meet_no_5xx_and_no_undocumented_status(site, tmp_path, role):
    """FUZZ_CASES=2000 makes as many random requests as the issue asks for, besides the enumerated ones."""
    user = make_user()
    document = sharpened(yaml.safe_load(described()), a_world(user), user.email)
    rows_before = Reservation.objects.filter(driver=user).count()
    description = tmp_path / "openapi.yaml"
    description.write_text(yaml.safe_dump(document))
    command = [
        SCHEMATHESIS, "run", str(description), "--url", site.address, "--workers", "1", "--checks", CHECKS,
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(cases_per_operation()),
        "--seed", str(SEED), "--generation-database", "none", "--continue-on-failure", "--no-color",
        "--header", "Accept-Language:en", "--suppress-health-check", "all", "--warnings", "off",
    ]  # fmt: skip
    if role != "anonymous":
        token = issue_api_token(user=user, name=role, now=clock.now())
        command += ["--header", f"Authorization:Bearer {token}", "--exclude-path-regex", "tokens/current$"]

    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=3600, check=False)

    print(run.stdout)  # noqa: T201 -- how many requests it made, for `pytest -s`
    assert run.returncode == 0, f"{run.stdout[-6000:]}\n{run.stderr[-2000:]}"
    made = Reservation.objects.filter(driver=user).count() - rows_before
    assert (made > 0) == (role != "anonymous"), f"The requests of {role} made {made} reservations."
