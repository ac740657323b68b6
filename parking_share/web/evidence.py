"""What was known when a bay was found taken, as lines that a person can read, the earliest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from parking_share.fulfilment.models import Discrepancy, GateAnswer, Incident
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Space
from sensors.models import Kind, Occupancy, Stay

Fact = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Line:
    at: datetime | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the ids of the facts are called, and the clock on which times are told."""

    incident: Incident
    gates: Mapping[int, str]
    spaces: Mapping[int, str]

    def place(self, fact: Fact) -> str:
        if fact.get("gate"):
            return self.gates.get(fact["gate"], _("a gate"))
        if fact.get("space"):
            return _("Bay %(bay)s") % {"bay": self.spaces.get(fact["space"], "–")}
        return _("the lot")

    def time(self, text: str | None) -> str:
        at = _instant(text)
        return f"{at.astimezone(self.incident.lot.zone):%H:%M}" if at else "–"


def timeline(incident: Incident) -> list[Line]:
    """Two queries for the names; what has no time comes first."""
    facts: list[Fact] = [fact for fact in incident.evidence if fact.get("what") in _SAYS]
    gates = {fact["gate"] for fact in facts if fact.get("gate")}
    spaces = {fact["space"] for fact in facts if fact.get("space")}
    names = Names(
        incident=incident,
        gates=dict(Gate.objects.filter(pk__in=gates).values_list("pk", "name")),
        spaces=dict(Space.objects.filter(pk__in=spaces).values_list("pk", "label")),
    )
    lines = [_SAYS[fact["what"]](fact, names) for fact in facts]
    return sorted(lines, key=lambda line: (line.at is not None, line.at or incident.opened_at))


def _bay_state(fact: Fact, names: Names) -> Line:
    if fact["heard_at"] is None:
        return Line(at=None, text=_("The bay has no sensor that was ever heard."))
    said = _("The bay's sensor: %(state)s; last heard at %(time)s.")
    state = Occupancy(fact["state"]).label
    return Line(
        at=_instant(fact["since"] or fact["heard_at"]),
        text=said % {"state": state, "time": names.time(fact["heard_at"])},
    )


def _reading(fact: Fact, names: Names) -> Line:
    said = _("%(place)s: %(what)s.")
    return Line(at=_instant(fact["at"]), text=said % {"place": names.place(fact), "what": Kind(fact["kind"]).label})


def _stay(fact: Fact, names: Names) -> Line:
    given = {"place": names.place(fact), "source": Stay.Source(fact["known_from"]).label}
    if fact["ended_at"] is None:
        said = _("%(place)s: a car came and had not left (known from: %(source)s).")
    else:
        said = _("%(place)s: a car came and left at %(end)s (known from: %(source)s).")
    return Line(at=_instant(fact["began_at"]), text=said % (given | {"end": names.time(fact["ended_at"])}))


def _hold(fact: Fact, names: Names) -> Line:
    is_reporters = fact["reservation"] == names.incident.reservation_id
    said = (
        _("The bay was kept for the driver until %(end)s (%(status)s).")
        if is_reporters
        else _("The bay was kept for somebody else until %(end)s (%(status)s).")
    )
    given = {"end": names.time(fact["held_until"]), "status": Status(fact["status"]).label}
    return Line(at=_instant(fact["held_from"]), text=said % given)


def _gate_answer(fact: Fact, names: Names) -> Line:
    said = (
        _("%(place)s opened for the driver: %(why)s.")
        if fact["opens"]
        else _("%(place)s stayed shut for the driver: %(why)s.")
    )
    why = GateAnswer.Verdict(fact["verdict"]).label
    return Line(at=_instant(fact["at"]), text=said % {"place": names.place(fact), "why": why})


def _discrepancy(fact: Fact, _names: Names) -> Line:
    kind = Discrepancy.Kind(fact["kind"]).label
    return Line(at=_instant(fact["opened_at"]), text=_("Sensor and reservations disagreed: %(kind)s.") % {"kind": kind})


def _instant(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None


_SAYS: Mapping[str, Callable[[Fact, Names], Line]] = {
    "bay_state": _bay_state,
    "reading": _reading,
    "stay": _stay,
    "hold": _hold,
    "gate_answer": _gate_answer,
    "discrepancy": _discrepancy,
}
