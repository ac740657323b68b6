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
from allocation.models import Decision, DecisionSnapshot
from allocation.snapshots import FORMAT, fairness_in, holds_in, mask_in, priced, unpacked_document
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
    snapshot = DecisionSnapshot.objects.filter(pk=decision.snapshot_id or 0).first()
    document = _document(decision, snapshot)
    place = decision.place or 0
    table, before = _Table.of(document), []
    for asked in document["asked"][:place]:
        before += table.differences(asked)
        table.go_on(asked)
    asked = document["asked"][place]
    differences = [*table.differences(asked), *_row_differences(decision, asked, document)]
    return Replay(
        decided_by=snapshot.engine_version if snapshot else "",
        recomputed_by=engine_version(),
        differences=tuple(differences),
        upset_before=tuple(before),
    )


def _document(decision: Decision, snapshot: DecisionSnapshot | None) -> dict[str, Any]:
    if decision.place is None:
        raise NothingToReplay(_("No policy was asked for this decision, so there is nothing to compute again."))
    if snapshot is None:
        raise NothingToReplay(_("The snapshot of this decision has been forgotten."))
    document = unpacked_document(bytes(snapshot.packed))
    if document.get("format") != FORMAT:
        raise NothingToReplay(_("The snapshot of this decision is in a format that this version does not read."))
    return document


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
        """Answer anew and compare."""
        request, then = self._request(asked), _answer(asked)
        key, policy_name = asked[0], asked[4]
        overruled = policy_name != self.document["policy"]
        fairness = None if overruled else self.fairness
        valuation = Valuation.of(self.importance, self.rates, rules=self.rules)
        now = decide_fairly(self._policy(policy_name), self.holds, request, valuation, fairness)
        return [
            Difference(reservation_id=key, what=what, then=self._words(one), now=self._words(other))
            for what, one, other in (
                ("space", then.space, now.space),
                ("reason", then.reason, now.reason),
                ("moves", then.moves, now.moves),
            )
            if one != other
        ]

    def go_on(self, asked: list[Any]) -> None:
        """Do what was answered at the time."""
        then = _answer(asked)
        if then.space is not None:
            self.holds.move(then.moves)
            self.holds.add(asked[0], self._request(asked), then.space)

    def _request(self, asked: list[Any]) -> Request:
        return Request(start=asked[1], end=asked[2], eligible=mask_in(self.document, asked[3]))

    def _policy(self, name: str) -> Policy:
        policy = policy_named(name, self.importance, self.rates, rules=self.rules)
        price_before = self.document["price_before"]
        return priced(policy, None if price_before is None else np.array(price_before, dtype=float))

    def _words(self, value: object) -> str:
        if isinstance(value, int):
            return str(self.document["spaces"][value])
        if isinstance(value, tuple):
            ids = self.document["spaces"]
            return ", ".join(f"{move.key}: {ids[move.from_space]} → {ids[move.to_space]}" for move in value) or "–"
        return "–" if value is None else str(value)


def _answer(asked: list[Any]) -> Answer:
    space, reason, moves = asked[5:]
    return Answer(space, None if reason is None else Reason(reason), tuple(Move(*move) for move in moves))


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
