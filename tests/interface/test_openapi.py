"""The committed description of the API is what the code makes, and says every status that the code answers."""

import os
import subprocess
from datetime import timedelta

import pytest
import yaml
from django.test import Client

from parking_share import clock
from parking_share.accounts.services import issue_api_token
from parking_share.api.schema import described
from tests.factories import make_lot, make_space, make_user, make_vehicle
from tests.interface.api import shared_lot
from tests.live import ROOT, live_site

COMMITTED = ROOT / "docs" / "openapi.yaml"
CASES_OF_THE_ISSUE = 2_000
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


def sharpened(document, ids):
    """The description with values that meet rows: numbers that exist, and times around now, beside everything else."""
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    times = [(now + timedelta(hours=hours)).isoformat() for hours in (-3, 1, 2, 5, 30)]
    near = {"anyOf": [{"type": "string", "enum": times}, {"type": "string", "format": "date-time"}]}
    schemas = document["components"]["schemas"]
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in ids:
                    parameter["schema"]["enum"] = ids[parameter["name"]]
                elif parameter["name"] in {"starts_at", "ends_at"}:
                    parameter["schema"] = near
                elif parameter["name"] == "Prefer":
                    parameter["schema"]["enum"] = ["wait=1", "wait=0", "respond-async", "wait=x"]
    for name in ("ReservationIn", "PeriodIn"):
        if name in schemas:
            schemas[name]["properties"] |= {"starts_at": near, "ends_at": near}
    schemas["ReservationIn"]["properties"]["lot"]["enum"] = ids["lot_id"]
    schemas["ReservationIn"]["properties"]["vehicles"]["items"]["enum"] = ids["vehicle_id"]
    return document


@pytest.fixture(scope="module")
def site(django_db_setup):
    with live_site(web_threads=8) as site:
        yield site


def cases_per_operation():
    return max(1, int(os.environ.get("FUZZ_CASES", "75")) // len(operations()))


@pytest.mark.fuzz
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["anonymous", "driver", "owner"])
def test_generated_requests_meet_no_5xx_and_no_undocumented_status(site, tmp_path, role):
    """FUZZ_CASES=2000 makes as many random requests as the issue asks for, besides the enumerated ones."""
    user, lot = make_user(), shared_lot(spaces=2)
    car, theirs = make_vehicle(user), make_vehicle(make_user())
    bays = [make_space(make_lot(), owner=owner) for owner in (user if role == "owner" else None, make_user())]
    ids = {"lot_id": [lot.pk, 0], "vehicle_id": [car.pk, theirs.pk], "space_id": [bay.pk for bay in bays]}
    description = tmp_path / "openapi.yaml"
    description.write_text(yaml.safe_dump(sharpened(yaml.safe_load(described()), ids)))
    command = [
        "schemathesis", "run", str(description), "--url", site.address, "--workers", "1", "--checks", CHECKS,
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
