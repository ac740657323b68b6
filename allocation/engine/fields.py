"""Read single fields of a JSON document, or say in one sentence what is wrong with one."""

import json
import math
from collections.abc import Collection


class InstanceError(ValueError):
    """An instance that cannot be read; the message is one sentence that names the field."""


def shown(value: object) -> str:
    """Return a value as JSON on one line, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def record(value: object, at: str, *, required: Collection[str], optional: Collection[str] = ()) -> dict[str, object]:
    """Return an object that has all required keys and none but known ones."""
    if not isinstance(value, dict):
        raise InstanceError(f"{at or 'instance'}: must be an object, got {shown(value)}.")
    for key in required:
        if key not in value:
            raise InstanceError(f"{_inside(at, key)}: is missing.")
    for key in value:
        if key not in required and key not in optional:
            raise InstanceError(f"{_inside(at, shown(key)[1:-1])}: is not a known field.")
    return value


def array(value: object, at: str, *, length: int | None = None) -> list[object]:
    """Return a list, of the given length if there is one."""
    if not isinstance(value, list):
        raise InstanceError(f"{at}: must be a list, got {shown(value)}.")
    if length is not None and len(value) != length:
        raise InstanceError(f"{at}: must have {length} entries, got {len(value)}.")
    return value


def integer(value: object, at: str, *, low: int | None = None, high: int | None = None) -> int:
    """Return a whole number between `low` and `high`, both included; true and 1.0 are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InstanceError(f"{at}: must be a whole number, got {shown(value)}.")
    _check_range(value, at, low=low, high=high)
    return value


def number(value: object, at: str, *, low: float, high: float) -> float:
    """Return a finite number between `low` and `high`, both included."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InstanceError(f"{at}: must be a number, got {shown(value)}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise InstanceError(f"{at}: must be a finite number, got {shown(value)}.")
    _check_range(value, at, low=low, high=high)
    return float(value)


def identifier(value: object, at: str, *, taken: Collection[str]) -> str:
    """Return a text that is not empty and not among those already taken."""
    if not isinstance(value, str) or not value:
        raise InstanceError(f"{at}: must be a text that is not empty, got {shown(value)}.")
    if value in taken:
        raise InstanceError(f"{at}: must be unique, got {shown(value)} again.")
    return value


def _check_range(value: float, at: str, *, low: float | None, high: float | None) -> None:
    if low is not None and value < low:
        raise InstanceError(f"{at}: must be at least {_plain(low)}, got {shown(value)}.")
    if high is not None and value > high:
        raise InstanceError(f"{at}: must be at most {_plain(high)}, got {shown(value)}.")


def _plain(bound: float) -> str:
    return f"{bound:.15g}"


def _inside(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key
