"""What a gate is told: the answer from the rows, or, when the database does not answer, the rule of the site."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from parking_share.fulfilment.admission import answer_gate
from parking_share.fulfilment.failsafe import fail_safe_answer
from sensors.credentials import may_call
from sensors.events import Event
from sensors.models import Kind
from sensors.services import Message
from sensors.storing import Stored, instant_of

MOST_ANSWERED = 8  # of one message: a lane sees one car, a wide camera a few
MOST_REMEMBERED = 1000
AT_A_GATE = frozenset({Kind.ENTER, Kind.EXIT})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class GateReply:
    """Whether the barrier opens, and what is shown beside it."""

    opens: bool
    sentence: str
    space: str = ""
    until: datetime | None = None


@dataclass
class Remembered:
    """Of a gateway that has called: its format, from where it may call, and the gates of its devices."""

    format: str
    networks: list[str] = field(default_factory=list)
    gates: dict[str, int] = field(default_factory=dict)


class Memory:
    """Who called this process: all that is left of the rules while the database is away. Bounded, the oldest go."""

    def __init__(self) -> None:
        self._gateways: OrderedDict[str, Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, secret_hash: str, message: Message, stored: Sequence[Stored]) -> None:
        with self._lock:
            known = self._gateways.setdefault(secret_hash, Remembered(message.format))
            known.format, known.networks = message.format, message.networks
            known.gates.update({one.event.device: one.gate_id for one in stored if one.gate_id is not None})
            self._gateways.move_to_end(secret_hash)
            while len(self._gateways) > MOST_REMEMBERED:
                self._gateways.popitem(last=False)

    def forget(self, secret_hash: str, *, address: str) -> None:
        """The key opens nothing any more; a call from elsewhere, which is refused as well, says nothing of that."""
        with self._lock:
            known = self._gateways.get(secret_hash)
            if known is not None and may_call(address, known.networks):
                del self._gateways[secret_hash]

    def find(self, secret_hash: str, *, address: str) -> Remembered | None:
        """None also for whoever calls from elsewhere: an outage opens nothing to a secret that leaked."""
        known = self._gateways.get(secret_hash)
        return known if known is not None and may_call(address, known.networks) else None


memory = Memory()


def answer_of(stored: Sequence[Stored], *, now: datetime) -> GateReply | None:
    """The answer to the cars at gates among these, None where there are none; one that may pass opens for it."""
    asking = [one for one in stored if one.problem is None and one.gate_id and one.event.kind in AT_A_GATE]
    replies = []
    for one in asking[:MOST_ANSWERED]:
        answer = answer_gate(seen=one, now=now)
        replies.append(
            GateReply(opens=answer.opens, sentence=answer.sentence, space=answer.space_label, until=answer.until)
        )
    return next((reply for reply in replies if reply.opens), replies[0] if replies else None)


def answer_without_database(gateway: Remembered, events: Iterable[Event], *, now: datetime) -> bool:
    """Whether the rule of the site opens for a live reading of a plate at a gate that this process knows."""
    for event in events:
        gate_id = gateway.gates.get(event.device)
        is_car = event.kind in AT_A_GATE | {Kind.PASS} and event.plate
        if gate_id and is_car and not instant_of(event, received_at=now).is_replayed:
            return fail_safe_answer(gate_id=gate_id, now=now).opens
    return False
