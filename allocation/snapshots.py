"""What a round saw of a lot, packed small enough to keep with every decision."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocation.engine.fairness import Fairness
from allocation.engine.holds import Holds
from allocation.engine.policies.foresight import Foresight
from allocation.engine.policies.revenue import Revenue
from allocation.engine.policy import Policy
from allocation.engine.request import Decision, Request
from allocation.engine.state import LotState
from allocation.engine.version import engine_version
from allocation.models import DecisionSnapshot
from allocation.pictures import LotPicture

FORMAT = 1
SNAPSHOTS_ARE_KEPT = timedelta(days=180)


@dataclass(kw_only=True)
class RoundLog:
    """The document of one lot in one round: what was there before, then every question with its answer."""

    document: dict[str, Any]
    _masks: dict[bytes, int] = field(default_factory=dict)

    @classmethod
    def of(cls, picture: LotPicture, policy: Policy, fairness: Fairness | None) -> "RoundLog":
        """Begin with the lot as it is; `policy` looks ahead already."""
        worth, row = picture.worth, picture.policy_row
        log = cls(
            document={
                "format": FORMAT,
                "origin": picture.grid.origin.isoformat(),
                "slots": picture.grid.slots,
                "spaces": [space.pk for space in picture.spaces],
                "policy": row.name,
                "policy_version": row.version,
                "threshold": worth.rules.threshold,
                "weights": list(worth.rules.weights),
                "mode_hours": worth.rules.mode_hours,
                "importance": worth.importance.tolist(),
                "rates": worth.rates.tolist(),
                "price_before": None if (before := price_before_of(policy)) is None else before.tolist(),
                "fairness": None if fairness is None else [fairness.tolerance, *fairness.income.tolist()],
                "free": _free(picture.holds.fixed),
                "asked": [],
            }
        )
        held = sorted(picture.holds.held.items())
        log.document["held"] = [
            [pk, one.space, one.request.start, one.request.end, log._mask(one.request.eligible)] for pk, one in held
        ]
        return log

    def note(self, key: int, request: Request, policy_name: str, decision: Decision) -> int:
        """Add a question and its answer; return its place."""
        asked: list[Any] = self.document["asked"]
        moves = [[move.key, move.from_space, move.to_space] for move in decision.moves]
        mask = self._mask(request.eligible)
        asked.append([key, request.start, request.end, mask, policy_name, decision.space, decision.reason, moves])
        return len(asked) - 1

    def row(self, *, lot_id: int, now: datetime) -> DecisionSnapshot:
        """Not saved."""
        masks = [packed.hex() for packed in self._masks]
        packed = packed_document(self.document | {"masks": masks})
        return DecisionSnapshot(lot_id=lot_id, made_at=now, engine_version=engine_version(), packed=packed)

    def _mask(self, eligible: NDArray[np.bool_] | None) -> int | None:
        """The number of a mask in the document's table; None for all."""
        if eligible is None:
            return None
        return self._masks.setdefault(np.packbits(eligible).tobytes(), len(self._masks))


def packed_document(document: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), level=6)


def unpacked_document(packed: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(zlib.decompress(packed))
    return document


def price_before_of(policy: Policy) -> NDArray[np.float64] | None:
    """What a policy that looks ahead takes all slots before a slot to be worth; None for one that does not."""
    return policy.price_before if isinstance(policy, Foresight | Revenue) else None


def priced(policy: Policy, price_before: NDArray[np.float64] | None) -> Policy:
    """The same policy, looking ahead to these prices; one that never does is as it was.

    Without prices nothing is known of who is still to come: then nobody is declined for gaps that may break nothing.
    """
    if isinstance(policy, Foresight) and price_before is None:
        return replace(policy, appetite=replace(policy.appetite, fragment_price=0.0))
    return replace(policy, price_before=price_before) if isinstance(policy, Foresight | Revenue) else policy


def holds_in(document: dict[str, Any]) -> Holds:
    """The lot as the round found it."""
    slots, spaces = document["slots"], len(document["spaces"])
    free = np.zeros((spaces, slots), dtype=bool)
    for space, bounds in enumerate(document["free"]):
        for start, end in zip(bounds[::2], bounds[1::2], strict=True):
            free[space, start:end] = True
    holds = Holds.over(LotState.from_free(free))
    for key, space, start, end, mask in document["held"]:
        holds.add(key, Request(start=start, end=end, eligible=mask_in(document, mask)), space)
    return holds


def mask_in(document: dict[str, Any], number: int | None) -> NDArray[np.bool_] | None:
    if number is None:
        return None
    packed = np.frombuffer(bytes.fromhex(document["masks"][number]), dtype=np.uint8)
    return np.unpackbits(packed, count=len(document["spaces"])).astype(bool)


def fairness_in(document: dict[str, Any]) -> Fairness | None:
    stored: Sequence[float] | None = document["fairness"]
    if stored is None:
        return None
    tolerance, *income = stored
    return Fairness(income=np.array(income, dtype=np.int64), tolerance=tolerance)


def _free(fixed: LotState) -> list[list[int]]:
    """By space, the bounds of its free runs one after the other."""
    runs: list[list[int]] = [[] for _ in range(fixed.spaces)]
    for space, start, end in fixed.runs():
        runs[space] += [start, end]
    return runs


def forget_snapshots(*, now: datetime) -> int:
    """Delete what rounds saw more than half a year ago; the decisions stay. Safe to run twice."""
    return DecisionSnapshot.objects.filter(made_at__lt=now - SNAPSHOTS_ARE_KEPT).delete()[0]
