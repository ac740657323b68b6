"""ParkingRank: the stationary vector of a car looking for a place, in closed form (section 3)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coverage.engine.plane import Floats, Indices, checked_groups, checked_positions, checked_values
from coverage.engine.potential import potential_between


@dataclass(frozen=True, kw_only=True)
class RankRules:
    """The two constants of ParkingRank.

    Parameters
    ----------
    floor_m
        d0: shorter distances count as this, metres, > 0.
    accuracy
        delta: how exact vacancy data are, in (0, 1); an empty car park counts as ``1 - delta`` empty.

    Raises
    ------
    ValueError
        For a value outside its range.
    """

    floor_m: float = 10.0
    accuracy: float = 0.01

    def __post_init__(self) -> None:
        if not (math.isfinite(self.floor_m) and self.floor_m > 0):
            raise ValueError(f"floor_m must be finite and positive, got {self.floor_m}.")
        if not 0 < self.accuracy < 1:
            raise ValueError(f"accuracy must be in (0, 1), got {self.accuracy}.")


DEFAULT_RULES = RankRules()


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """What of a ranking does not depend on vacancy; build it with `network_of`.

    Parameters
    ----------
    capability
        w, shape (n,).
    potential
        V, shape (n,): the sum over the other members of the network of w_k / d_ik.
    groups
        Shape (n,): the network of each car park, numbered from 0.
    pull
        Shape (n,): w_i V_i, or what stands in for it in a network with fewer than two capable car parks.
    ignores_vacancy
        Shape (n,): whether the car park's network is one of those.
    """

    capability: Floats
    potential: Floats
    groups: Indices
    pull: Floats
    ignores_vacancy: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """The ranks of one moment.

    Parameters
    ----------
    scores
        PR, shape (n,): >= 0, adds up to 1 in each network. Not comparable between networks.
    strengths
        w_i V_i / (1 - s_i), shape (n,): the same before division by their sum; comparable between networks with at
        least two capable car parks.
    """

    scores: Floats
    strengths: Floats


def network_of(
    positions: ArrayLike, capability: ArrayLike, *, groups: ArrayLike | None = None, rules: RankRules = DEFAULT_RULES
) -> Network:
    """Compute the potentials, once for as long as positions and capabilities stay.

    Parameters
    ----------
    positions
        Shape (n, 2), metres.
    capability
        w, shape (n,), >= 0; a common factor cancels.
    groups
        Shape (n,): the network of each car park, numbered from 0 without a gap; None for one network.

    Raises
    ------
    ValueError
        For positions in degrees, and for a capability that is negative or not finite.

    Notes
    -----
    Time O(sum of squares of the networks' sizes), memory O(n).
    """
    points = checked_positions(positions)
    weights = checked_values(capability, "capability", count=len(points))
    members = checked_groups(groups, count=len(points))
    return network_with(weights, potential_between(points, weights, groups=members, floor_m=rules.floor_m), members)


def network_with(capability: Floats, potential: Floats, groups: Indices) -> Network:
    """Return the network whose potentials are known already, from a row or from `potential_change` (section 3.4).

    Notes
    -----
    With one capable car park in a network it gets everything; with none all get the same.
    """
    sizes = np.bincount(groups)
    scale = np.zeros(len(sizes))
    np.maximum.at(scale, groups, capability)
    scale[scale == 0] = 1
    capable = np.bincount(groups, weights=capability > 0, minlength=len(sizes))
    pull = capability / scale[groups] * potential
    ignores_vacancy = (capable < 2)[groups]
    stand_in = np.where((capable == 0)[groups], 1.0, capability > 0)
    return Network(capability, potential, groups, np.where(ignores_vacancy, stand_in, pull), ignores_vacancy)


def rank(network: Network, vacancy: ArrayLike, *, rules: RankRules = DEFAULT_RULES) -> Ranking:
    """Rank car parks by their vacancy of this moment: PR_i ~ w_i V_i / (1 - s_i) (section 3.2).

    Parameters
    ----------
    vacancy
        q, shape (n,), free spaces divided by spaces, in [0, 1].

    Raises
    ------
    ValueError
        For a vacancy outside [0, 1] or NaN.

    Notes
    -----
    Time O(n).
    """
    shares = checked_values(vacancy, "vacancy", count=len(network.capability), high=1.0)
    leaving = np.maximum(1 - shares, rules.accuracy)
    leaving[network.ignores_vacancy] = 1
    weights = network.pull / leaving
    totals = np.bincount(network.groups, weights=weights)
    return Ranking(weights / totals[network.groups], network.capability * network.potential / leaving)
