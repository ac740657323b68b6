"""An order of places in which neighbours are near each other: in tables, in memory, in differences."""

import numpy as np

from coverage.engine.plane import Floats, Indices

CURVE_SIDE = 2**16 - 1


def along_curve(places: Floats) -> Indices:
    """Return each place's number along Hilbert's curve, 16 bits a side: neighbours stay together."""
    low = places.min(axis=0)
    x, y = ((places - low) / max(float((places.max(axis=0) - low).max()), 1) * CURVE_SIDE).astype(np.intp).T
    number = np.zeros(len(places), dtype=np.intp)
    side = (CURVE_SIDE + 1) // 2
    while side:
        right, upper = (x & side) > 0, (y & side) > 0
        number += side * side * ((3 * right) ^ upper)
        x, y = np.where(right & ~upper, CURVE_SIDE - x, x), np.where(right & ~upper, CURVE_SIDE - y, y)
        x, y = np.where(upper, x, y), np.where(upper, y, x)
        side //= 2
    return number
