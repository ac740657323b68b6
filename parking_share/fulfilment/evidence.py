"""What was known about a bay when somebody said that it was taken: ids, times and states. No plates, no names."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from parking_share.fulfilment.models import Discrepancy, GateAnswer
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import HOLDS_A_SPACE
from parking_share.spaces.models import Space
from sensors.models import Reading, Stay
from sensors.selectors import bay_states

LOOKED_BACK = timedelta(hours=2)
MOST_OF_A_KIND = 20

Fact = dict[str, Any]


def evidence_about(space: Space, reservation: Reservation, *, now: datetime) -> list[Fact]:
    """The bay's state, and what was read, who stood, who held and what gates answered shortly before; newest first."""
    return [
        *_state(space, now=now),
        *_readings(space, now=now),
        *_stays(space, now=now),
        *_holds(space, now=now),
        *_answers(reservation),
        *_discrepancies(space),
    ]


def _state(space: Space, *, now: datetime) -> Iterator[Fact]:
    view = bay_states([space.pk], now=now)[space.pk]
    yield {"what": "bay_state", "state": view.state.value, "since": _iso(view.since), "heard_at": _iso(view.heard_at)}


def _readings(space: Space, *, now: datetime) -> Iterator[Fact]:
    """Of this bay, and of the lot's gates."""
    of_bay_or_gate = Q(space=space) | Q(lot=space.lot_id, space__isnull=True, gate__isnull=False)
    rows = Reading.objects.filter(of_bay_or_gate, observed_at__gt=now - LOOKED_BACK, observed_at__lte=now)
    for row in rows.order_by("-observed_at", "-pk")[:MOST_OF_A_KIND]:
        yield {
            "what": "reading",
            "id": row.pk,
            "kind": row.kind,
            "device": row.device_id,
            "gate": row.gate_id,
            "space": row.space_id,
            "at": _iso(row.observed_at),
        }


def _stays(space: Space, *, now: datetime) -> Iterator[Fact]:
    """In this bay, and in the lot without a bay."""
    here = Q(space=space) | Q(lot=space.lot_id, space__isnull=True)
    rows = Stay.objects.filter(here, Q(ended_at__isnull=True) | Q(ended_at__gt=now - LOOKED_BACK), began_at__lte=now)
    for row in rows.order_by("-began_at", "-pk")[:MOST_OF_A_KIND]:
        yield {
            "what": "stay",
            "id": row.pk,
            "known_from": row.source,
            "reservation": row.reservation_id,
            "space": row.space_id,
            "began_at": _iso(row.began_at),
            "ended_at": _iso(row.ended_at),
        }


def _holds(space: Space, *, now: datetime) -> Iterator[Fact]:
    near = Q(held_until__gt=now - LOOKED_BACK, held_from__lt=now + LOOKED_BACK)
    rows = Reservation.objects.filter(near, space=space, status__in=HOLDS_A_SPACE)
    for row in rows.order_by("held_from", "pk")[:MOST_OF_A_KIND]:
        yield {
            "what": "hold",
            "reservation": row.pk,
            "status": row.status,
            "held_from": _iso(row.held_from),
            "held_until": _iso(row.held_until),
            "ends_at": _iso(row.ends_at),
        }


def _answers(reservation: Reservation) -> Iterator[Fact]:
    rows = GateAnswer.objects.filter(reservation=reservation).order_by(F("answered_at").desc(), "-pk")
    for row in rows[:MOST_OF_A_KIND]:
        yield {
            "what": "gate_answer",
            "id": row.pk,
            "gate": row.gate_id,
            "verdict": row.verdict,
            "opens": row.opens,
            "at": _iso(row.answered_at),
        }


def _discrepancies(space: Space) -> Iterator[Fact]:
    for row in Discrepancy.objects.filter(space=space, closed_at__isnull=True).order_by("pk"):
        yield {"what": "discrepancy", "id": row.pk, "kind": row.kind, "opened_at": _iso(row.opened_at)}


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
