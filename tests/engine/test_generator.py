import json

import numpy as np
import pytest

from allocation.engine.generator import DayShape, generate_instance
from allocation.engine.instance import read_instance
from allocation.engine.writing import instance_document
from tests.engine.test_cli import DAY


def drawn(seed: int, spaces: int = 50, requests: int = 212) -> dict[str, object]:
    return instance_document(generate_instance(np.random.default_rng(seed), spaces=spaces, requests=requests))


def test_the_same_seed_draws_the_same_day():
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


@pytest.mark.parametrize(("spaces", "requests"), [(0, 0), (1, 0), (0, 5), (50, 212)])
def test_a_drawn_day_can_be_read_again(spaces, requests):
    document = drawn(3, spaces, requests)

    instance = read_instance(json.dumps(document).encode())

    assert instance_document(instance) == document
    assert (len(instance.space_ids), len(instance.requests)) == (spaces, requests)


def test_what_is_read_is_written_as_it_was():
    spaces = [{"id": "A1", "free": [[0, 8]]}, {"id": "A2", "free": [[2, 5], [6, 8]]}]

    assert instance_document(read_instance(json.dumps(DAY).encode())) == DAY | {"spaces": spaces}


def test_expected_demand_is_the_mean_of_what_is_drawn():
    days = [generate_instance(np.random.default_rng(seed), spaces=0, requests=500) for seed in range(40)]
    slot = np.arange(48)
    wanted = np.mean(
        [sum(((one.start <= slot) & (slot < one.end)).astype(int) for one in day.requests) for day in days], axis=0
    )

    assert days[0].expected_demand is not None
    np.testing.assert_allclose(wanted, days[0].expected_demand, atol=4.0)


def test_negative_numbers_are_refused():
    with pytest.raises(ValueError, match="got -1 and 2"):
        generate_instance(np.random.default_rng(1), spaces=-1, requests=2)


def test_a_day_takes_importance_and_stays_from_a_record():
    importance = np.linspace(0.5, 1.0, 48)
    shape = DayShape(importance=importance, stays=(2, 2, 6))

    days = [generate_instance(np.random.default_rng(n), spaces=3, requests=500, shape=shape) for n in range(40)]

    assert days[0].importance is importance
    whole = [one.end - one.start for day in days for one in day.requests if one.end < 48]
    assert set(whole) == {2, 6}
    slot = np.arange(48)
    wanted = np.mean(
        [sum(((one.start <= slot) & (slot < one.end)).astype(int) for one in day.requests) for day in days], axis=0
    )
    assert days[0].expected_demand is not None
    np.testing.assert_allclose(wanted, days[0].expected_demand, atol=4.0)


@pytest.mark.parametrize("wrong", [{"importance": np.ones(4)}, {"importance": np.full(48, 2.0)}, {"stays": (3, 0)}])
def test_an_impossible_shape_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        DayShape(**wrong)
