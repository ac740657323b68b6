from typing import Any

import numpy as np
import pytest

from allocation.engine.request import Request
from allocation.engine.rules import Horizon, Rules
from allocation.engine.valuation import Valuation
from tests.engine.pictures import RULES, flat


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"threshold": -0.1}, "threshold must be finite and not negative, got -0.1"),
        ({"threshold": float("nan")}, "threshold must be finite"),
        ({"threshold": float("inf")}, "threshold must be finite"),
        ({"weights": (0.7, 0.4)}, "weights must add up to 1"),
        ({"weights": (1.2, -0.2)}, "two numbers in"),
        ({"weights": (float("nan"), 0.5)}, "two numbers in"),
        ({"weights": (1.0,)}, "two numbers in"),
        ({"mode_hours": 0.0}, "mode_hours must be in"),
        ({"mode_hours": float("nan")}, "mode_hours must be in"),
        ({"slot_minutes": 7}, "slot_minutes must be one of"),
        ({"horizon": "yesterday"}, "not a valid Horizon"),
    ],
)
def test_rules_refuse(changed, words):
    with pytest.raises(ValueError, match=words):
        Rules(**changed)


def test_rules_read_the_horizon_by_its_name():
    fields: dict[str, Any] = {"horizon": "from_now_on"}

    assert Rules(**fields).horizon is Horizon.FROM_NOW_ON


def test_only_the_horizon_from_now_on_is_clipped():
    assert RULES.clipped_at(7) == 0
    assert Rules(horizon=Horizon.FROM_NOW_ON).clipped_at(7) == 7
    assert Rules(horizon=Horizon.FROM_NOW_ON).clipped_at(-3) == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"start": -1, "end": 2}, "start must not be negative, got -1"),
        ({"start": 2, "end": 2}, r"greater than start \(2\), got 2"),
        ({"start": 2, "end": 3, "requested_at": 3}, r"not be after start \(2\), got 3"),
        ({"start": 2, "end": 3, "eligible": np.array([1, 0])}, "got 1-d int64"),
        ({"start": 2, "end": 3, "eligible": np.ones((1, 2), dtype=np.bool_)}, "got 2-d bool"),
    ],
)
def test_request_refuses(fields, words):
    with pytest.raises(ValueError, match=words):
        Request(**fields)


@pytest.mark.parametrize(("slot_minutes", "quarter_of_an_hour"), [(5, 3), (15, 1)])
def test_a_quarter_of_an_hour_weighs_12_and_3_hours_weigh_1(slot_minutes, quarter_of_an_hour):
    fragmentation = flat(48, Rules(slot_minutes=slot_minutes)).fragmentation

    assert fragmentation[[0, quarter_of_an_hour, 12 * quarter_of_an_hour]].tolist() == [0, 12, 1]


@pytest.mark.parametrize(
    ("importance", "rates", "words"),
    [
        (np.ones((2, 2)), np.ones((2, 2)), "in one row"),
        (np.ones(0), np.ones(0), "1 to 32767 entries"),
        (np.ones(3), np.ones(4), r"as long as importance \(3\)"),
        (np.array([0.5, 1.5]), np.ones(2), "got 0.5 to 1.5"),
        (np.array([0.5, np.nan]), np.ones(2), r"importance must be in \[0, 1\]"),
        (np.ones(2), np.array([-1.0, 1.0]), "got -1.0 to 1.0"),
        (np.ones(2), np.array([np.inf, 1.0]), "rates must be finite"),
    ],
)
def test_valuation_refuses(importance, rates, words):
    with pytest.raises(ValueError, match=words):
        Valuation.of(importance, rates, rules=RULES)
