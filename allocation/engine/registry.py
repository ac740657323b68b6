"""The policies by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from allocation.engine.policies.best_fit import BestFit
from allocation.engine.policies.decision_only import DecisionOnly
from allocation.engine.policies.fcfs import FirstComeFirstServed
from allocation.engine.policies.two_stage import TwoStage
from allocation.engine.policy import Policy
from allocation.engine.rules import Rules
from allocation.engine.valuation import Valuation, Values

POLICIES: Mapping[str, Callable[[Valuation], Policy]] = MappingProxyType(
    {
        "fcfs": lambda _valuation: FirstComeFirstServed(),
        "decision_only": DecisionOnly,
        "two_stage": TwoStage,
        "best_fit": BestFit,
    }
)


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
