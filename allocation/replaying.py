"""Deciding a decision again, from what was kept of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from allocation.engine.fairness import Fairness, decide_fairly
from allocation.engine.holds import Holds
from allocation.engine.policy import Policy
from allocation.engine.registry import policy_named
from allocation.engine.request import Decision as Answer
from allocation.engine.request import Move, Reason, Request
from allocation.engine.rules import Horizon, Rules
from allocation.engine.valuation import Valuation
from allocation.engine.version import engine_version
from allocation.models import Decision
from allocation.snapshots import FORMAT, fairness_in, holds_in, mask_in, unpacked_document
from parking_share.errors import DomainError


class NothingToReplay(DomainError):
    code = "nothing_to_replay"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One answer that came out otherwise: of which reservation, what, then and now."""

    reservation_id: int
    what: str
    then: str
    now: str


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What came of it. `upset_before` are decisions earlier in the round that came out otherwise as well."""

    decided_by: str
    recomputed_by: str
    differences: tuple[Difference, ...]
    upset_before: tuple[Difference, ...]

    @property
    def is_identical(self) -> bool:
        return not self.differences

    @property
    def is_same_engine(self) -> bool:
        return self.decided_by == self.recomputed_by


def replay(decision: Decision) -> Replay:
    """Recompute a decision from the snapshot of its round.

    Those before it in the round are recomputed too; each then starts from what was answered at the time, so that one
    that comes out otherwise does not upset those after it.

    Raises
    ------
    NothingToReplay
        If no policy was asked, the snapshot is forgotten, or its format is another one.
    """
    document = _document(decision)
    place = decision.place or 0
    table, found = _Table.of(document), []
    for asked in document["asked"][: place + 1]:
        found.append(table.differences(asked))
    differences = [*found[place], *_row_differences(decision, document["asked"][place], document)]
    return Replay(
        decided_by=_snapshot_version(decision),
        recomputed_by=engine_version(),
        differences=tuple(differences),
        upset_before=tuple(one for before in found[:place] for one in before),
    )


def _document(decision: Decision) -> dict[str, Any]:
    if decision.place is None:
        raise NothingToReplay(_("No policy was asked for this decision, so there is nothing to compute again."))
    if not _snapshot_version(decision):
        raise NothingToReplay(_("The snapshot of this decision has been forgotten."))
    document = unpacked_document(bytes(decision.snapshot.packed)) if decision.snapshot else {}
    if document.get("format") != FORMAT:
        raise NothingToReplay(_("The snapshot of this decision is in a format that this version does not read."))
    return document


def _snapshot_version(decision: Decision) -> str:
    """Empty where the snapshot is gone; a decision keeps its number."""
    kept = Decision.objects.filter(pk=decision.pk, snapshot__made_at__isnull=False)
    return kept.values_list("snapshot__engine_version", flat=True).first() or ""


@dataclass(kw_only=True)
class _Table:
    """The lot as the round found it, then as it went on."""

    document: dict[str, Any]
    holds: Holds
    rules: Rules
    importance: np.ndarray[Any, np.dtype[np.float64]]
    rates: np.ndarray[Any, np.dtype[np.float64]]
    fairness: Fairness | None

    @classmethod
    def of(cls, document: dict[str, Any]) -> "_Table":
        first, second = document["weights"]
        return cls(
            document=document,
            holds=holds_in(document),
            rules=Rules(
                threshold=document["threshold"],
                weights=(first, second),
                mode_hours=document["mode_hours"],
                horizon=Horizon.FROM_NOW_ON,
            ),
            importance=np.array(document["importance"], dtype=float),
            rates=np.array(document["rates"], dtype=float),
            fairness=fairness_in(document),
        )

    def differences(self, asked: list[Any]) -> list[Difference]:
        """Answer anew, compare, and go on from what was answered at the time."""
        key, start, end, mask, policy_name, space, reason, moves = asked
        request = Request(start=start, end=end, eligible=mask_in(self.document, mask))
        then = Answer(space, None if reason is None else Reason(reason), tuple(Move(*move) for move in moves))
        overruled = policy_name != self.document["policy"]
        fairness = None if overruled else self.fairness
        valuation = Valuation.of(self.importance, self.rates, rules=self.rules)
        now = decide_fairly(self._policy(policy_name), self.holds, request, valuation, fairness)
        if then.space is not None:
            self.holds.move(then.moves)
            self.holds.add(key, request, then.space)
        return [
            Difference(reservation_id=key, what=what, then=self._words(one), now=self._words(other))
            for what, one, other in (
                ("space", then.space, now.space),
                ("reason", then.reason, now.reason),
                ("moves", then.moves, now.moves),
            )
            if one != other
        ]

    def _policy(self, name: str) -> Policy:
        policy = policy_named(name, self.importance, self.rates, rules=self.rules)
        prices = self.document["prices"]
        if prices is None or not hasattr(policy, "priced"):
            return policy
        priced: Policy = policy.priced(np.array(prices))
        return priced

    def _words(self, value: object) -> str:
        if isinstance(value, int):
            return str(self.document["spaces"][value])
        if isinstance(value, tuple):
            ids = self.document["spaces"]
            return ", ".join(f"{move.key}: {ids[move.from_space]} → {ids[move.to_space]}" for move in value) or "–"
        return "–" if value is None else str(value)


def _row_differences(decision: Decision, asked: list[Any], document: dict[str, Any]) -> list[Difference]:
    """Where the decision's row says something else than its snapshot."""
    key, space = asked[0], asked[5]
    stored = None if space is None else document["spaces"][space]
    pairs = [
        ("reservation", decision.reservation_id, key),
        ("space of the row", decision.space_id, stored),
        ("policy of the row", decision.policy_name, document["policy"]),
        ("version of the row", decision.policy_version, document["policy_version"]),
    ]
    return [
        Difference(reservation_id=key, what=what, then=str(row), now=str(snapshot))
        for what, row, snapshot in pairs
        if row != snapshot
    ]
