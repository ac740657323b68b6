"""The policies by name."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from allocation.engine.policies.best_fit import BestFit
from allocation.engine.policies.clairvoyant import Clairvoyant
from allocation.engine.policies.decision_only import DecisionOnly
from allocation.engine.policies.fcfs import FirstComeFirstServed
from allocation.engine.policies.foresight import Foresight
from allocation.engine.policies.reassign import Reassign
from allocation.engine.policies.revenue import Revenue
from allocation.engine.policies.two_stage import TwoStage
from allocation.engine.policy import Policy
from allocation.engine.request import Request
from allocation.engine.rules import Rules
from allocation.engine.state import Mask
from allocation.engine.valuation import Valuation, Values

POLICIES: Mapping[str, Callable[[Valuation], Policy]] = MappingProxyType(
    {
        "fcfs": lambda _valuation: FirstComeFirstServed(),
        "decision_only": DecisionOnly,
        "two_stage": TwoStage,
        "revenue": Revenue,
        "best_fit": BestFit,
        "reassign": Reassign,
        "foresight": Foresight,
    }
)
CLAIRVOYANT = "clairvoyant"
ALL_POLICIES = (*POLICIES, CLAIRVOYANT)


def policy_for_day(name: str, free: Mask, requests: Sequence[Request], valuation: Valuation) -> Policy:
    """Make a policy for one day whose requests are known, as the clairvoyant needs.

    Parameters
    ----------
    name
        One of `ALL_POLICIES`.
    free, requests
        The day, as `simulate` takes it.
    valuation
        Tables over the same horizon.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    if name == CLAIRVOYANT:
        return Clairvoyant.of(free, requests, valuation)
    if name not in POLICIES:
        raise ValueError(f"there is no policy {name!r}, only {', '.join(ALL_POLICIES)}.")
    return POLICIES[name](valuation)


def policy_named(name: str, importance: Values, rates: Values, *, rules: Rules) -> Policy:
    """Make a policy for one horizon.

    Parameters
    ----------
    name
        A key of `POLICIES`.
    importance
        Shape (slots,), in [0, 1]: ``g(t)``.
    rates
        Shape (slots,), finite, >= 0: ``w(t)``, money per hour.
    rules
        The operator's numbers.

    Raises
    ------
    ValueError
        For an unknown name, or arrays that `Valuation.of` refuses.
    """
    if name not in POLICIES:
        raise ValueError(f"there is no policy {name!r}, only {', '.join(POLICIES)}.")
    return POLICIES[name](Valuation.of(importance, rates, rules=rules))
