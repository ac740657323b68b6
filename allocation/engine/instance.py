"""One day of one lot as a JSON document."""

import json
import re
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from allocation.engine.fields import InstanceError, array, identifier, integer, number, record, shown
from allocation.engine.request import Request
from allocation.engine.rules import LONGEST_MODE_H, SLOT_MINUTES, Rules
from allocation.engine.state import MOST_SLOTS, Mask
from allocation.engine.valuation import Values

LARGEST = 1e9
EARLIEST = -1_000_000  # slots before the horizon: decades
REQUIRED = (
    "slot_minutes",
    "opens_at",
    "slots",
    "importance",
    "peak_rate",
    "mode_hours",
    "threshold",
    "weights",
    "spaces",
    "requests",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Instance:
    """Everything that a simulated day depends on.

    Parameters
    ----------
    rules
        The operator's numbers.
    opens_at
        Local time of the first slot, ``HH:MM``.
    importance
        Shape (slots,), in [0, 1]: ``g(t)``.
    peak_rate
        ``c``, money per hour in the busiest slot, >= 0.
    space_ids
        Names of the spaces, in visiting order.
    free
        Shape (spaces, slots): whether the space can be sold in that slot.
    request_ids, requests
        In the order in which they were made.
    expected_demand
        Shape (slots,): requests per slot, or None.
    """

    rules: Rules
    opens_at: str
    importance: Values
    peak_rate: float
    space_ids: tuple[str, ...]
    free: Mask
    request_ids: tuple[str, ...]
    requests: tuple[Request, ...]
    expected_demand: Values | None

    @property
    def rates(self) -> Values:
        """Shape (slots,): ``w(t) = c g(t)``, money per hour (eq. 3)."""
        rates: Values = self.peak_rate * self.importance
        return rates


def read_instance(text: bytes) -> Instance:
    """Read an instance.

    Parameters
    ----------
    text
        A JSON document in UTF-8.

    Raises
    ------
    InstanceError
        If it is not JSON or a field is wrong; the message is one sentence that names the first such field.
    """
    try:
        document = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repetition)
    except json.JSONDecodeError as error:
        raise InstanceError(f"instance: is not JSON in line {error.lineno}, column {error.colno}.") from error
    except UnicodeDecodeError as error:
        raise InstanceError(f"instance: is not UTF-8 at byte {error.start}.") from error
    except InstanceError:
        raise
    except (ValueError, RecursionError) as error:
        raise InstanceError("instance: has a number that is too long or is nested too deeply.") from error
    return _instance(document)


def _no_constant(name: str) -> NoReturn:
    raise InstanceError(f"instance: must have finite numbers only, got {name}.")


def _no_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InstanceError(
            f"{shown(repeated)[1:-1]}: must be given once in an object, got it {keys.count(repeated)} times."
        )
    return fields


def _instance(document: object) -> Instance:
    top = record(document, "", required=REQUIRED, optional=("expected_demand",))
    rules = _rules(top)
    opens_at = _time_of_day(top["opens_at"], "opens_at")
    slots = integer(top["slots"], "slots", low=1, high=MOST_SLOTS)
    importance = _per_slot(top["importance"], "importance", slots, high=1.0)
    peak_rate = number(top["peak_rate"], "peak_rate", low=0.0, high=LARGEST)
    space_ids, free = _spaces(top["spaces"], slots)
    request_ids, requests = _requests(top["requests"], slots, space_ids)
    demand = top.get("expected_demand")
    return Instance(
        rules=rules,
        opens_at=opens_at,
        importance=importance,
        peak_rate=peak_rate,
        space_ids=space_ids,
        free=free,
        request_ids=request_ids,
        requests=requests,
        expected_demand=(
            _per_slot(demand, "expected_demand", slots, high=LARGEST) if "expected_demand" in top else None
        ),
    )


def _rules(top: dict[str, object]) -> Rules:
    slot_minutes = integer(top["slot_minutes"], "slot_minutes")
    if slot_minutes not in SLOT_MINUTES:
        raise InstanceError(f"slot_minutes: must be 5, 10 or 15, got {shown(slot_minutes)}.")
    mode_hours = number(top["mode_hours"], "mode_hours", low=0.0, high=LONGEST_MODE_H)
    if mode_hours == 0:
        raise InstanceError("mode_hours: must be greater than 0, got 0.")
    threshold = number(top["threshold"], "threshold", low=0.0, high=LARGEST)
    first, second = (
        number(weight, f"weights[{place}]", low=0.0, high=1.0)
        for place, weight in enumerate(array(top["weights"], "weights", length=2))
    )
    if abs(first + second - 1) > 1e-9:
        raise InstanceError(f"weights: must add up to 1, got {shown(top['weights'])}.")
    return Rules(threshold=threshold, weights=(first, second), mode_hours=mode_hours, slot_minutes=slot_minutes)


def _time_of_day(value: object, at: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise InstanceError(f"{at}: must be a time from 00:00 to 23:59, got {shown(value)}.")
    return value


def _per_slot(value: object, at: str, slots: int, *, high: float) -> Values:
    entries = array(value, at, length=slots)
    return np.array([number(entry, f"{at}[{slot}]", low=0.0, high=high) for slot, entry in enumerate(entries)])


def _spaces(value: object, slots: int) -> tuple[tuple[str, ...], Mask]:
    entries = array(value, "spaces")
    free = np.zeros((len(entries), slots), dtype=np.bool_)
    ids: dict[str, None] = {}
    for row, (place, entry) in zip(free, enumerate(entries), strict=True):
        at = f"spaces[{place}]"
        space = record(entry, at, required=("id", "free"))
        ids[identifier(space["id"], f"{at}.id", taken=ids)] = None
        for part, interval in enumerate(array(space["free"], f"{at}.free")):
            _mark_free(row, interval, f"{at}.free[{part}]")
    return tuple(ids), free


def _mark_free(row: Mask, interval: object, at: str) -> None:
    bounds = array(interval, at, length=2)
    start = integer(bounds[0], f"{at}[0]", low=0, high=row.size - 1)
    end = _end(bounds[1], f"{at}[1]", start, row.size)
    if row[start:end].any():
        raise InstanceError(f"{at}: must not overlap an earlier interval of the space, got {shown(interval)}.")
    row[start:end] = True


def _requests(value: object, slots: int, space_ids: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Request, ...]]:
    numbers = {name: space for space, name in enumerate(space_ids)}
    requests: dict[str, Request] = {}
    latest: int | None = None
    for place, entry in enumerate(array(value, "requests")):
        at = f"requests[{place}]"
        wish = record(entry, at, required=("id", "start", "end", "requested_at"), optional=("eligible",))
        name = identifier(wish["id"], f"{at}.id", taken=requests)
        start = integer(wish["start"], f"{at}.start", low=0, high=slots - 1)
        end = _end(wish["end"], f"{at}.end", start, slots)
        latest = _requested_at(wish["requested_at"], f"{at}.requested_at", start, latest)
        eligible = _eligible(wish["eligible"], f"{at}.eligible", numbers) if "eligible" in wish else None
        requests[name] = Request(start=start, end=end, requested_at=latest, eligible=eligible)
    return tuple(requests), tuple(requests.values())


def _end(value: object, at: str, start: int, slots: int) -> int:
    end = integer(value, at, high=slots)
    if end <= start:
        raise InstanceError(f"{at}: must be greater than start ({start}), got {shown(end)}.")
    return end


def _requested_at(value: object, at: str, start: int, latest: int | None) -> int:
    requested_at = integer(value, at, low=EARLIEST)
    if requested_at > start:
        raise InstanceError(f"{at}: must not be after start ({start}), got {shown(requested_at)}.")
    if latest is not None and requested_at < latest:
        raise InstanceError(f"{at}: must not be before the previous request's ({latest}), got {shown(requested_at)}.")
    return requested_at


def _eligible(value: object, at: str, numbers: dict[str, int]) -> Mask:
    mask = np.zeros(len(numbers), dtype=np.bool_)
    for place, name in enumerate(array(value, at)):
        if not isinstance(name, str) or name not in numbers:
            raise InstanceError(f"{at}[{place}]: must be the id of a space, got {shown(name)}.")
        if mask[numbers[name]]:
            raise InstanceError(f"{at}[{place}]: must be given once, got {shown(name)} again.")
        mask[numbers[name]] = True
    return mask
