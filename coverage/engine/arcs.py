"""Arcs of circles by end points and curvature: sampled, or measured exactly (section 4.5)."""

from dataclasses import dataclass

import numpy as np

from coverage.engine.plane import Floats, Indices

WIDEST_CHORD = 0.38
STRAIGHT = 1e-300


@dataclass(frozen=True, eq=False, slots=True)
class Arcs:
    """Arcs of less than half a circle, all arrays of shape (a,).

    Parameters
    ----------
    start_x, start_y, end_x, end_y
        End points, metres.
    curvature
        1 / metres, positive where the arc turns left on its way from start to end.
    """

    start_x: Floats
    start_y: Floats
    end_x: Floats
    end_y: Floats
    curvature: Floats

    def bulges(self) -> Floats:
        """Return the tangent of a quarter of each arc's angle, in [-1, 1]."""
        sine = np.hypot(self.end_x - self.start_x, self.end_y - self.start_y) * self.curvature / 2
        np.clip(sine, -1, 1, out=sine)
        bulges: Floats = sine / (1 + np.sqrt(1 - sine * sine))
        return bulges


def chords_of(arcs: Arcs, bulges: Floats, *, tolerance: float) -> Indices:
    """Return how many chords each arc needs: sagitta at most `tolerance` metres, and at most 22 degrees each."""
    widest = np.sqrt(8 * tolerance * np.abs(arcs.curvature) + STRAIGHT)
    np.minimum(widest, WIDEST_CHORD, out=widest)
    return np.maximum(np.ceil(4 * np.abs(bulges) / widest), 1).astype(np.intp)


def inner_points(arcs: Arcs, bulges: Floats, chords: Indices) -> tuple[Indices, Indices, Floats, Floats]:
    """Return the points between the chords of each arc: number of the arc, number within the arc, x and y.

    Notes
    -----
    On the circle, by the rational parametrisation of section 4.5; good down to a bulge of 0.
    """
    inner = chords - 1
    arc = np.repeat(np.arange(len(inner)), inner)
    within = np.arange(len(arc)) - np.repeat(np.cumsum(inner) - inner, inner)
    u = 2 * (within + 1) / chords[arc] - 1
    bulge = bulges[arc]
    squared = bulge * bulge
    scale = 1 / (1 + squared * (u * u))
    along = u * (1 + squared) * scale
    aside = bulge * (1 - u * u) * scale
    start_x, start_y, end_x, end_y = arcs.start_x[arc], arcs.start_y[arc], arcs.end_x[arc], arcs.end_y[arc]
    half_x, half_y = (end_x - start_x) / 2, (end_y - start_y) / 2
    x = (start_x + end_x) / 2 + along * half_x + aside * half_y
    y = (start_y + end_y) / 2 + along * half_y - aside * half_x
    return arc, within, x, y


def segment_areas(arcs: Arcs, bulges: Floats) -> Floats:
    """Return the area between each arc and its chord, positive where the arc turns left.

    Notes
    -----
    e^2 (2 theta - sin 2 theta) / (2 sin^2 theta) with theta = 2 arctan(bulge); for small angles the difference is
    taken from its series, (2/3) e^2 theta in the limit.
    """
    half_squared = ((arcs.end_x - arcs.start_x) ** 2 + (arcs.end_y - arcs.start_y) ** 2) / 4
    theta = 2 * np.arctan(bulges)
    series = theta * (2 / 3 + theta**2 * (4 / 45 + theta**2 * (4 / 315 + theta**2 * (8 / 4725))))
    is_small = np.abs(theta) < 0.05
    sine = np.where(is_small, 1.0, np.sin(theta))
    return half_squared * np.where(is_small, series, (2 * theta - np.sin(2 * theta)) / (2 * sine**2))
