"""How full a lot was in a slot, second by second: slow, and shares nothing with the roll-up.

Times are whole seconds from the beginning of the slot; earlier ones are negative. A word is `(at, word)`; a sign of
life is one, with None for the word. Where two are said in the same second, the later in the list counts.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

SLOT_S = 900
Said = tuple[int, str | int | None]
Stay = tuple[int, int | None]


class Rolled(NamedTuple):
    """Means and shares as fractions; `mean` and `most` are None where nothing is known."""

    mean: Fraction | None
    most: int | None
    unknown: Fraction
    closed: Fraction
    words: Fraction


def word_at(second: int, said: Sequence[Said], patience_s: int) -> str | int | None:
    """The newest word, unless the newest sign of life is too old."""
    before = [(at, word) for at, word in said if at <= second]
    words = [word for _at, word in before if word is not None]
    if not words or second >= max(at for at, _word in before) + patience_s:
        return None
    return words[-1]


def of_bays(bays: Sequence[Sequence[Said]], patience_s: int) -> Rolled:
    seconds = [[word_at(second, said, patience_s) for said in bays] for second in range(SLOT_S)]
    cells = len(bays) * SLOT_S
    occupied = [words.count("OCCUPIED") for words in seconds]
    unknown = sum(words.count(None) for words in seconds)
    closed = sum(words.count("CLOSED") for words in seconds)
    is_known = unknown < cells
    return Rolled(
        mean=Fraction(sum(occupied), SLOT_S) if is_known else None,
        most=max(occupied) if is_known else None,
        unknown=Fraction(unknown, cells),
        closed=Fraction(closed, cells),
        words=Fraction(0),
    )


def of_counter(said: Sequence[Said], patience_s: int) -> Rolled:
    """Numbers and words of one counter."""
    seconds = [word_at(second, said, patience_s) for second in range(SLOT_S)]
    numbers = [word for word in seconds if isinstance(word, int)]
    words = sum(isinstance(word, str) for word in seconds)
    is_number = numbers and words <= len(numbers)
    return Rolled(
        mean=Fraction(sum(numbers), len(numbers)) if is_number else None,
        most=max(numbers) if is_number else None,
        unknown=Fraction(seconds.count(None), SLOT_S),
        closed=Fraction(0),
        words=Fraction(words, SLOT_S),
    )


def of_stays(stays: Sequence[Stay]) -> Rolled:
    cars = [
        sum(began <= second and (ended is None or second < ended) for began, ended in stays) for second in range(SLOT_S)
    ]
    return Rolled(
        mean=Fraction(sum(cars), SLOT_S), most=max(cars), unknown=Fraction(0), closed=Fraction(0), words=Fraction(0)
    )


def values_never_change(said: Sequence[Said], *, since: int) -> bool:
    """Whether a counter showed one and the same number from `since` to the end of the slot."""
    before = [word for at, word in said if at <= since and word is not None]
    shown = before[-1:] + [word for at, word in said if since < at < SLOT_S and word is not None]
    return bool(before) and isinstance(shown[0], int) and all(one == other for one, other in pairwise(shown))
