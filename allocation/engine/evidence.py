"""What was seen of a car park, weighed against what was believed before anything was seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocation.engine.prices import Outlook
from allocation.engine.valuation import Values

VERSION = 1  # changes whenever the same facts would be weighed differently

PRIOR_DAYS = 5.0
PRIOR_STAYS = 30.0
PRIOR_REQUESTS = 12.0
PRIOR_LEAD_H = 1.5
PRIOR_FILL = 0.3
SHORTEST_MODE_H, LONGEST_MODE_H = 0.25, 24.0
NEIGHBOURS = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
LENGTHS = np.array([1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48])


def weighed(seen: Values, samples: Values, prior: Values, *, prior_samples: float) -> Values:
    """Weigh what was seen by how often it was seen against a prior that counts as so many samples.

    Parameters
    ----------
    seen
        Shape (n,): means of what was seen; not a number where nothing was.
    samples
        Shape (n,), >= 0: how often.
    prior
        Shape (n,): what is believed without any sample.
    prior_samples
        How many samples the prior is worth, > 0.

    Returns
    -------
    values
        Shape (n,): the prior itself where there is no sample.

    Notes
    -----
    ``(samples · seen + prior_samples · prior) / (samples + prior_samples)``, the posterior mean with a conjugate prior.
    """
    counts = np.where(np.isnan(seen), 0.0, samples)
    total: Values = counts * np.nan_to_num(seen) + prior_samples * prior
    return total / (counts + prior_samples)


def importance_from(occupied: Values, days: Values, prior: Values) -> Values:
    """Weigh the importance that occupancy shows against that of the tariff.

    Parameters
    ----------
    occupied
        Shape (n,), >= 0: bays in use on average, by slot of the day; not a number where no day was seen.
    days
        Shape (n,), >= 0: days seen, by slot.
    prior
        Shape (n,), in [0, 1].

    Returns
    -------
    importance
        Shape (n,), in [0, 1]. Where no bay was ever in use nothing can be said, and the prior stands.

    Notes
    -----
    Equation 2, over the busiest slot that was seen; the prior counts as 5 days.
    """
    busiest = float(np.nanmax(occupied, initial=0.0))
    if busiest == 0:
        return prior.copy()
    return weighed(occupied / busiest, days, prior, prior_samples=PRIOR_DAYS)


def modal_stay_from(lengths: Values, *, prior_h: float, slot_minutes: int = 15) -> float:
    """Find the most frequent stay in hours.

    Parameters
    ----------
    lengths
        Shape (n,), >= 0: how many stays of 1, 2, … slots.
    prior_h
        What is believed without any stay; counts as 30 stays.
    slot_minutes
        Length of a slot.

    Returns
    -------
    hours
        From 0.25 to 24.

    Notes
    -----
    ``T_mode`` of equation 1. Counts are smoothed over two neighbours on each side (weights 1, 2, 3, 2, 1), so that a
    few odd stays are no mode; of equally frequent lengths the shortest.
    """
    stays = float(lengths.sum())
    if stays == 0:
        return prior_h
    mode_h = (int(np.argmax(np.convolve(lengths, NEIGHBOURS, mode="same"))) + 1) * slot_minutes / 60
    hours = (stays * mode_h + PRIOR_STAYS * prior_h) / (stays + PRIOR_STAYS)
    return min(max(hours, SHORTEST_MODE_H), LONGEST_MODE_H)


def stays_from(lengths: Values, *, mode_hours: float, slot_minutes: int = 15) -> Values:
    """Turn the lengths that were asked for into chances of stays.

    Parameters
    ----------
    lengths
        Shape (n,), >= 0: how many requests for 1, 2, … slots.
    mode_hours
        The prior is even up to twice this, and counts as 12 requests.

    Returns
    -------
    stays
        As `Outlook` wants them. Lengths are rounded to one of 14, from 1 to 48 slots: the fluid model stays small.
    """
    seen = np.zeros(LENGTHS[-1])
    np.add.at(seen, LENGTHS[_nearest(np.arange(1, lengths.size + 1))] - 1, lengths)
    even = LENGTHS[LENGTHS * slot_minutes <= max(2 * mode_hours * 60, slot_minutes)]
    seen[even - 1] += PRIOR_REQUESTS / even.size
    stays: Values = seen / seen.sum()
    return stays


def arrivals_prior(importance: Values, *, bays: int, mode_hours: float, slot_minutes: int = 15) -> float:
    """Guess how many requests a day brings to a car park where nobody has asked yet.

    Notes
    -----
    Three tenths of the bay-hours that importance speaks of, in stays of the modal length. Well below what the car park
    holds: where nothing is known, nobody is declined for the sake of a guess.
    """
    return PRIOR_FILL * bays * float(importance.sum()) * slot_minutes / 60 / mode_hours


def mean_lead_h(total_h: float, requests: int) -> float:
    """Return the mean time between a request and its start; the prior, 1.5 h, counts as 12 requests."""
    return (total_h + PRIOR_REQUESTS * PRIOR_LEAD_H) / (requests + PRIOR_REQUESTS)


@dataclass(frozen=True, kw_only=True, eq=False)
class DayOfDemand:
    """What a horizon's slots bring over whole days: requests by the slot in which they start, and their stays."""

    arrivals: Values
    stays: Values
    lead_h: float

    def still_to_come(self, *, now: int, slot_minutes: int = 15) -> Outlook:
        """Leave out those who have asked already when slot `now` runs.

        Notes
        -----
        Leads are taken as exponential with the mean that was seen: of those who start in a slot, the ones with a
        shorter lead than is left are still to come. Requests are independent of each other.
        """
        ahead_h = np.maximum(np.arange(self.arrivals.size) - now, 0) * slot_minutes / 60
        return Outlook(arrivals=self.arrivals * -np.expm1(-ahead_h / self.lead_h), stays=self.stays)


def _nearest(lengths: NDArray[np.int64]) -> NDArray[np.intp]:
    """Index of the nearest of `LENGTHS`; of two equally near, the shorter."""
    nearest: NDArray[np.intp] = np.abs(lengths[:, None] - LENGTHS[None, :]).argmin(axis=1)
    return nearest
