"""Sites on one line, which no triangulation joins: strips perpendicular to it (section 4.7)."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from coverage.engine.plane import Floats, Indices


@dataclass(frozen=True, eq=False, slots=True)
class Chains:
    """Networks whose sites are all on a line; build it with `of`.

    Parameters
    ----------
    vertices
        Shape (c,): the vertices of all chains, each chain in the order of its line.
    has_next
        Shape (c,): whether the entry after is the neighbour on the same line.
    along_x, along_y
        Shape (c,): direction of the chain, as long as a strip has to reach.
    """

    vertices: Indices
    has_next: Indices
    along_x: Floats
    along_y: Floats

    @classmethod
    def of(cls, positions: Floats, lines: list[Indices], reach: Floats) -> Self:
        """Put the vertices of each line in order.

        Parameters
        ----------
        lines
            The vertices of each chain, at least two, in any order.
        reach
            Shape (v,), metres.
        """
        ordered: list[Indices] = []
        along: list[Floats] = []
        for line in lines:
            points = positions[line]
            farthest = points[np.argmax(np.hypot(*(points - points[0]).T))] - points[0]
            in_order = line[np.argsort(points @ farthest, kind="stable")]
            direction = positions[in_order[-1]] - positions[in_order[0]]
            direction = direction / np.hypot(*direction)
            ordered.append(in_order)
            along.append(np.outer(reach[in_order], direction))
        has_next = [np.arange(len(line)) < len(line) - 1 for line in ordered]
        empty = np.empty(0, dtype=np.intp)
        directions = np.concatenate([np.empty((0, 2)), *along])
        return cls(
            np.concatenate([empty, *ordered]),
            np.concatenate([empty, *has_next]).astype(np.intp),
            directions[:, 0],
            directions[:, 1],
        )

    def strips(self, positions: Floats, weights: Floats) -> Floats:
        """Return the strip of each entry as a closed ring, shape (c, 5, 2)."""
        here = self.vertices
        after = np.roll(here, -1)
        share = (weights[here] / (weights[here] + weights[after]))[:, None]
        along = np.stack((self.along_x, self.along_y), axis=1)
        across = np.stack((-self.along_y, self.along_x), axis=1)
        linked = self.has_next.astype(bool)[:, None]
        end = np.where(linked, positions[here] + share * (positions[after] - positions[here]), positions[here] + along)
        start = np.where(np.roll(linked, 1, axis=0), np.roll(end, 1, axis=0), positions[here] - along)
        corners = (start - across, end - across, end + across, start + across, start - across)
        return np.stack(corners, axis=1)
