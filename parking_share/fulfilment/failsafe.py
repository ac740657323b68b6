"""What a gate is answered when the database does not: the site's rule, as far as this process remembers it.

Every answer that the database gave leaves the rules of its gate in the memory of the process. What is answered without
the database is logged at once and written down with the next answer that reaches it; a process that dies before that
leaves only the log.
"""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import InterfaceError, OperationalError

from parking_share.fulfilment.candidates import Lane
from parking_share.fulfilment.gates import GateAnswer, LotRules
from parking_share.spaces.models import Gate

MOST_UNWRITTEN = 1000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class SafeAnswer:
    """Opens or not, and whether the gate should go by the list that it keeps itself."""

    opens: bool
    uses_own_list: bool


class Memory:
    """The rules of the gates that this process has answered, and the answers that it has yet to write down."""

    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}
        self._unwritten: deque[GateAnswer] = deque(maxlen=MOST_UNWRITTEN)
        self._lock = threading.Lock()

    def keep_lane(self, lane: Lane) -> None:
        self._lanes[lane.gate_id] = lane

    def lane(self, gate_id: int) -> Lane | None:
        return self._lanes.get(gate_id)

    def keep_answer(self, row: GateAnswer) -> None:
        with self._lock:
            self._unwritten.append(row)

    def take_answers(self) -> list[GateAnswer]:
        with self._lock:
            rows = list(self._unwritten)
            self._unwritten.clear()
        return rows

    def give_back(self, rows: list[GateAnswer]) -> None:
        """What could not be written waits on, before what came meanwhile; of too many the oldest are lost."""
        with self._lock:
            self._unwritten = deque([*rows, *self._unwritten], maxlen=MOST_UNWRITTEN)

    def forget(self) -> None:
        self.__init__()  # type: ignore[misc]


memory = Memory()


def remember(lane: Lane) -> None:
    memory.keep_lane(lane)


def fail_safe_answer(*, gate_id: int, now: datetime) -> SafeAnswer:
    """Answer a live reading while the database is away.

    A gate that this process has never answered stays shut unless it keeps a list. Exits open unless the site says that
    they stay shut: a barrier must not trap cars.
    """
    lane = memory.lane(gate_id)
    rule = lane.fail_safe if lane else LotRules.FailSafe.USE_LIST
    lets_out = lane is not None and lane.kind == Gate.Kind.EXIT and lane.unknown_may_leave
    opens = rule == LotRules.FailSafe.OPEN or (rule == LotRules.FailSafe.USE_LIST and lets_out)
    log.error("fail_safe_answer", gate=gate_id, rule=rule, opens=opens, remembered=lane is not None)
    memory.keep_answer(
        GateAnswer(
            gate_id=gate_id,
            asked_by=GateAnswer.Asked.PLATE,
            opens=opens,
            verdict=GateAnswer.Verdict.FAIL_SAFE,
            answered_at=now,
        )
    )
    return SafeAnswer(opens=opens, uses_own_list=rule == LotRules.FailSafe.USE_LIST)


def write_down() -> int:
    """Write what was answered without the database, as far as its gates still exist; nothing to do is the rule.

    Where the database goes away again meanwhile, the answers wait on.
    """
    rows = memory.take_answers()
    if not rows:
        return 0
    try:
        known = set(Gate.objects.filter(pk__in={row.gate_id for row in rows}).values_list("pk", flat=True))
        GateAnswer.objects.bulk_create([row for row in rows if row.gate_id in known])
    except (OperationalError, InterfaceError):
        memory.give_back(rows)
        raise
    log.info("fail_safe_answers_written", rows=len(rows))
    return len(rows)
