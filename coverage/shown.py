"""What pictures may say of few bays: counts under five are not told, nor what one could work them out from.

Staff's maps paint vacancies in colours; words and tables keep to these functions.
"""

FEWEST_SHOWN = 5
SQUARE_METRES_A_HECTARE = 10_000


def is_few(bays: float) -> bool:
    """Whether a number of bays is too small to be told."""
    return round(bays) < FEWEST_SHOWN


def shown_bays(bays: float) -> str:
    """A number of bays, or that they are fewer than five."""
    return f"<{FEWEST_SHOWN}" if is_few(bays) else str(round(bays))


def shown_vacancy(open_bays: float, free_bays: float) -> str:
    """The share of free bays in per cent; only an upper bound where the free ones are few, nothing where all are."""
    if is_few(open_bays):
        return "–"
    if is_few(free_bays):
        return f"<{-(-100 * FEWEST_SHOWN // round(open_bays))} %"
    return f"{100 * free_bays / open_bays:.0f} %"


def countable(bays: float) -> float:
    """At least five: what stands for a number that is not told wherever one computes with it."""
    return max(bays, float(FEWEST_SHOWN))


def hectares_a_bay(area_m2: float, free_bays: float) -> float:
    """How much ground there is for each free bay; a lower bound where the free bays are few."""
    return area_m2 / SQUARE_METRES_A_HECTARE / countable(free_bays)
