"""Who gets which answer where: the routes of the site, a small world with every role in it, and what is observed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from allocation import services
from allocation.models import LabRun
from coverage.changes import read_changes
from coverage.engine.pack import to_bytes
from coverage.models import CoverageBase, CoverageRun, CoverageSettings, Scenario
from coverage.runs import compute_slot
from coverage.scenarios import save_scenario
from coverage.services import slot_of
from parking_share import clock
from parking_share.accounts.models import User
from parking_share.fulfilment.models import Overstay
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.spaces.models import District, Lot, Role, Space
from parking_share.spaces.services import withdraw_hours
from sensors.services import issue_key
from surveys.form_entry import enter_form
from surveys.imports import upload
from surveys.models import Wave
from tests.factories import (
    grant,
    hours,
    make_gateway,
    make_lot,
    make_space,
    make_user,
    make_vehicle,
    make_window,
    share_weekly,
)
from tests.interface import sensor_rows
from tests.interface.lab_rows import make_comparison
from tests.survey_rows import make_questionnaire, make_wave

ROLES = ["anonymous", "driver", "owner", "manager", "guard", "staff", "gateway", "operator"]
TARGETS = ["own", "other", "elsewhere"]
GENERATED_BY_OTHERS = ("admin:", "account_", "allauth")
LOGIN = "login"
PICTURES = ("base_id", "run_id", "link", "city")
COMPARISONS = ("comparison_id", "table", "picture")
SURVEYS = ("questionnaire_id", "wave_id", "import_id", "slug", "key", "form_number", "page")
# What all kinds of calls may need; each takes what it knows.
QUERY = {
    "latitude": "22.55",
    "longitude": "114.11",
    "radius_m": "500",
    "starts_at": "2036-01-02T01:00:00Z",
    "ends_at": "2036-01-02T02:00:00Z",
    "rows": "bay",
    "other": "the same wave",
    "other_group": "source:IMPORT",
    "columns": "share",
}
BODY = {
    "return_margin_min": 30,
    "note": "For a delivery.",
    "plate": "粤B99999",
    "weekdays": [1],
    "starts_at_local": "09:00",
    "ends_at_local": "17:00",
    "first_date": "2036-01-02",
    "starts_at": "2036-01-02T01:00:00Z",
    "ends_at": "2036-01-02T02:00:00Z",
}


def routes() -> list[str]:
    """The names of all routes of our own making, in order."""
    names = {name for name, _pattern in _walk(get_resolver(), "")}
    return sorted(name for name in names if not name.startswith(GENERATED_BY_OTHERS))


def parameters(route: str) -> set[str]:
    """The names of a route's path parameters."""
    return next(set(pattern.pattern.converters) for name, pattern in _walk(get_resolver(), "") if name == route)


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _walk(entry, f"{entry.namespace}:" if entry.namespace else prefix)
        else:
            yield (f"{prefix}{entry.name}" if entry.name else f"{prefix}({entry.pattern})"), entry


@dataclass(frozen=True)
class World:
    """Two lots in two districts; one person of each role, at home in the first; strangers in both."""

    people: dict[str, User]
    stranger: User
    lots: dict[str, Lot]
    spaces: dict[str, Space]
    reservations: dict[tuple[str, str], Reservation] = field(default_factory=dict)

    def targets(self, route: str, role: str) -> dict[str, dict[str, Any]]:
        """Path parameters by target: one's own object, another's in the same lot, another's in another lot."""
        wanted = parameters(route)
        if not wanted:
            return {"own": {}}
        found = {target: {name: self._value(name, role, target) for name in wanted} for target in TARGETS}
        is_of_a_place = wanted & {"lot_id", *PICTURES, *COMPARISONS, *SURVEYS}
        return {target: found[target] for target in ("own", "elsewhere")} if is_of_a_place else found

    def _value(self, name: str, role: str, target: str) -> Any:
        lot, space = self.lots["elsewhere" if target == "elsewhere" else "own"], self.spaces[target]
        values = {
            "lot_id": lot.pk,
            "space_id": space.pk,
            "rule_id": lambda: space.rules.get().pk,
            "district_id": lot.district_id,
            "gate_id": lambda: lot.gates.get().pk,
            "exception_id": lambda: space.exceptions.get().pk,
            "resident_id": lambda: lot.residents.get().pk,
            "reservation_id": lambda: self._reservation(role, target).pk,
            "vehicle_id": lambda: self._reservation(role, target).vehicle_rows.get().vehicle_id,
            "listed_id": lambda: lot.listed_plates.get().pk,
            "incident_id": lambda: lot.incidents.get().pk,
            "discrepancy_id": lambda: lot.discrepancies.get().pk,
            "overstay_id": lambda: Overstay.objects.get(space__lot=lot).pk,
            "gateway_id": lambda: lot.gateways.get().pk,
            "key_id": lambda: lot.gateways.get().keys.get().pk,
            "run_id": lambda: CoverageRun.objects.get(city=lot.district.city).pk,
            "base_id": lambda: CoverageBase.objects.get(city=lot.district.city).pk,
            "comparison_id": lambda: LabRun.objects.get(district=lot.district_id).pk,
            "table": "policies",
            "picture": "thresholds",
            "link": lambda: Scenario.objects.get(city=lot.district.city).link,
            "digest": "0" * 64,
            "city": lot.district.city,
            "part": "mesh",
            "code": "en",
            "secret": "an-address-that-nobody-has",
            **dict.fromkeys(SURVEYS, lambda: survey_parameter(name, lot.district.city)),
        }
        value = values[name]
        return value() if callable(value) else value

    def _reservation(self, role: str, target: str) -> Reservation:
        return self.reservations[(role if role != "anonymous" else "driver") if target == "own" else "stranger", target]


def make_world() -> World:
    home = District.objects.create(city="Here", name="Home")
    away = District.objects.create(city="There", name="Away")
    people = {role: make_user(email=f"{role}@example.org", has_accessible_permit=True) for role in ROLES[1:]}
    stranger = make_user(email="stranger@example.org")
    lots = {"own": make_lot(name="Home lot", district=home), "elsewhere": make_lot(name="Away lot", district=away)}
    for lot in lots.values():
        lot.gates.create(name="East", latitude=lot.latitude, longitude=lot.longitude)
        lot.residents.create(user=stranger)
    spaces = {
        "own": make_space(lots["own"], owner=people["owner"]),
        "other": make_space(lots["own"], owner=stranger),
        "elsewhere": make_space(lots["elsewhere"], owner=stranger),
    }
    now = clock.now()
    for space in spaces.values():
        share_weekly(space, starts_at=now.time(), ends_at=now.time(), now=now)
        withdraw_hours(space=space, starts_at=now + hours(72), ends_at=now + hours(73), now=now)
    for number in range(len(ROLES)):
        make_window(make_space(lots["own"], label=f"More {number}"), now, now + hours(48))
    grant(people["manager"], Role.MANAGER, lot=lots["own"])
    grant(people["staff"], Role.CITY_STAFF, district=home)
    grant(people["guard"], Role.GUARD, lot=lots["own"])
    grant(people["gateway"], Role.GATEWAY, lot=lots["own"])
    grant(people["operator"], Role.OPERATOR)
    User.objects.filter(pk=people["operator"].pk).update(is_staff=True, is_superuser=True)
    world = World(people=people, stranger=stranger, lots=lots, spaces=spaces)
    for role, person in people.items():
        world.reservations[role, "own"] = _booked(person, lots["own"])
    world.reservations["stranger", "other"] = _booked(stranger, lots["own"])
    world.reservations["stranger", "elsewhere"] = _booked(stranger, lots["elsewhere"])
    for lot, where in ((lots["own"], "other"), (lots["elsewhere"], "elsewhere")):
        _add_sensors(lot, spaces[where], world.reservations["stranger", where])
        _add_survey(lot.district.city)
        _add_picture(lot)
        make_comparison(lot.district, state="RUNNING")
    return world


def survey_parameter(name: str, city: str) -> Any:
    """A path parameter that leads to the survey of a city."""
    wave = Wave.objects.get(questionnaire__city=city)
    return {
        "questionnaire_id": wave.questionnaire_id,
        "wave_id": wave.pk,
        "import_id": wave.imports.get().pk,
        "slug": wave.questionnaire.slug,
        "key": "bay",
        "form_number": "17",
        "page": 1,
    }[name]


def _add_survey(city: str) -> None:
    """A survey with an open wave, a paper form whose two entries differ, and a table that waits for its check."""
    wave = make_wave(make_questionnaire(city=city, slug=city.lower()), now=clock.now(), needs_double_entry=True)
    for ease in ("4", "5"):
        enter_form(
            wave=wave, form_number="17", typed={"ease": [ease]}, district_id=None, entered_by=None, now=clock.now()
        )
    upload(wave=wave, file_name="t.csv", content=b"reference,bay\n1,owned\n", uploaded_by=None, now=clock.now())


def _add_picture(lot: Lot) -> None:
    """A picture of a city of one lot; what its mesh would be does not matter, but that there is one."""
    Lot.objects.filter(pk=lot.pk).update(capacity=20)
    compute_slot(lot.district.city, slot_starts_at=slot_of(clock.now()) - hours(1), now=clock.now())
    mesh = to_bytes({"origin": np.zeros(2)})
    CoverageBase.objects.filter(city=lot.district.city).update(mesh=mesh, mesh_hash="one")
    changes = read_changes([f"resize:{lot.pk}:40"])
    maker = User.objects.earliest("pk")
    CoverageSettings.objects.create(city=lot.district.city, is_public=lot.district.city == "Here")
    save_scenario(city=lot.district.city, name="Larger", changes=changes, made_by=maker, now=clock.now())


def _add_sensors(lot: Lot, space: Space, reservation: Reservation) -> None:
    """A gateway with a key, a listed car, an incident, a discrepancy and a penalty."""
    issue_key(gateway_id=make_gateway(lot).pk, now=clock.now())
    sensor_rows.make_listed(lot)
    sensor_rows.make_incident(reservation, space=space)
    sensor_rows.make_discrepancy(space)
    ended_at = clock.now() - hours(1)
    began_at = ended_at - hours(1)
    sensor_rows.make_overstay(reservation, space=space, began_at=began_at, ended_at=ended_at, penalty_cents=1200)


def _booked(driver: User, lot: Lot) -> Reservation:
    """An accepted reservation in an hour."""
    now = clock.now()
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=now + hours(1), ends_at=now + hours(2))
    reservation = services.request_reservation(driver=driver, wish=wish, now=now)
    services.decide(lot_id=lot.pk, now=now)
    return reservation


def observed(world: World, route: str, method: str, role: str) -> str:
    """The answers for each target, joined by slashes; every call is undone."""
    answers = []
    for kwargs in world.targets(route, role).values():
        client = Client(raise_request_exception=False)
        if role != "anonymous":
            client.force_login(world.people[role], backend="django.contrib.auth.backends.ModelBackend")
        with transaction.atomic():
            answers.append(answer(client, method, reverse(route, kwargs=kwargs)))
            transaction.set_rollback(True)
    return "/".join(answers)


def answer(client: Client, method: str, address: str) -> str:
    if method == "GET":
        response = client.get(address, QUERY)
    elif address.startswith("/api/"):
        response = client.generic(method, address, json.dumps(BODY), content_type="application/json")
    else:
        response = client.post(address)
    goes_to_login = response.status_code == 302 and "/account/login" in response.headers["Location"]
    return LOGIN if goes_to_login else str(response.status_code)
