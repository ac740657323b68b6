"""Which requests fit together, by trying everything; slow, and shares nothing with the engine.

A lot is a list of rows of bool, true where the space is free; a request is ``(start, end, eligible spaces)``.
"""

from functools import cache
from itertools import permutations

Wish = tuple[int, int, frozenset[int]]


def greatest_worth(free: list[list[bool]], wishes: list[Wish], worth: list[float]) -> float:
    """The greatest sum of worths of requests that fit together."""

    @cache
    def best(number: int, taken: frozenset[tuple[int, int]]) -> float:
        if number == len(wishes):
            return 0.0
        start, end, eligible = wishes[number]
        value = best(number + 1, taken)
        for space in eligible:
            slots = frozenset((space, slot) for slot in range(start, end))
            if all(free[space][start:end]) and not slots & taken:
                value = max(value, worth[number] + best(number + 1, taken | slots))
        return value

    return best(0, frozenset())


def fit_together(free: list[list[bool]], wishes: list[Wish]) -> bool:
    """Whether there is a space for everyone."""
    return greatest_worth(free, wishes, [1.0] * len(wishes)) == len(wishes)


def broken(row: list[bool], mode: float) -> float:
    """Sum of ``f`` over the free runs of one space, lengths in slots."""
    total, length = 0.0, 0
    for free in [*row, False]:
        if free:
            length += 1
        elif length:
            total += mode / length
            length = 0
    return total


def least_broken_tails(free: list[list[bool]], held: list[tuple[int, int, int]], cut: int, mode: float) -> float:
    """The least sum of ``f`` when all that starts from a cut on changes spaces as whole tails; one run per space."""
    spaces = range(len(free))
    heads = [[one for one in held if one[2] == space and one[0] < cut] for space in spaces]
    tails = [[one for one in held if one[2] == space and one[0] >= cut] for space in spaces]
    costs = []
    for order in permutations(spaces):
        rows = [list(row) for row in free]
        try:
            for space, tail in enumerate(order):
                for start, end, _ in [*heads[space], *tails[tail]]:
                    _take(rows[space], start, end)
        except ValueError:
            continue
        costs.append(sum(broken(row, mode) for row in rows))
    return min(costs)


def _take(row: list[bool], start: int, end: int) -> None:
    if not all(row[start:end]):
        raise ValueError("taken")
    row[start:end] = [False] * (end - start)
