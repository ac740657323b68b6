"""Roll-ups against the twin that looks at every second."""

import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from sensors.due import Pair
from sensors.models import Kind, OccupancySlot, Stay
from sensors.rollups import roll
from tests.factories import NOW, make_device, make_lot, make_reading, make_space
from tests.oracles import occupancy

Source, Quality = OccupancySlot.Source, OccupancySlot.Quality
HEARTBEAT_S = 400
KINDS = {"OCCUPIED": Kind.OCCUPIED, "FREE": Kind.VACANT, "CLOSED": Kind.CLOSED, None: Kind.HEARTBEAT}

seconds = st.integers(-4000, occupancy.SLOT_S - 1) | st.integers(-5, 5)
bay_words = st.lists(st.tuples(seconds, st.sampled_from(list(KINDS))), min_size=1, max_size=6)
counter_words = st.lists(
    st.tuples(seconds, st.integers(0, 5) | st.sampled_from(["FULL", "OPEN"]) | st.none()), min_size=1, max_size=6
)
stays = st.lists(
    st.tuples(st.integers(-3000, 1500), st.none() | st.integers(0, 3000)).map(
        lambda pair: (pair[0], None if pair[1] is None else pair[0] + pair[1])
    ),
    max_size=6,
)


def at(second: int):
    return NOW + timedelta(seconds=second)


def in_order(said):
    """As the platform orders them: by second, then by number."""
    return sorted(said, key=lambda pair: pair[0])


def rolled(lot) -> OccupancySlot:
    roll([Pair(lot.pk, NOW)], now=NOW + timedelta(hours=1))
    return OccupancySlot.objects.get(lot=lot, starts_at=NOW)


def tell(device, said) -> None:
    for number, (second, word) in enumerate(in_order(said)):
        if device.space_id is None:
            told = {"occupied": word} if isinstance(word, int) else {"state_text": word or ""}
            make_reading(device, Kind.HEARTBEAT if word is None else Kind.COUNT, at(second), sequence=number, **told)
        else:
            make_reading(device, KINDS[word], at(second), sequence=number)


def assert_same(slot: OccupancySlot, expected: occupancy.Rolled) -> None:
    found = (slot.mean_occupied, slot.unknown_share, slot.closed_share)
    for value, exact in zip(found, (expected.mean, expected.unknown, expected.closed), strict=True):
        assert (value is None) == (exact is None)
        assert value is None or exact is None or math.isclose(value, exact, abs_tol=1e-9)
    assert slot.most_occupied == expected.most


class TestTwins(TestCase):
    @settings(max_examples=60)
    @given(st.lists(bay_words, min_size=1, max_size=4))
    def test_bays_are_rolled_up_as_second_by_second(self, bays):
        lot = make_lot()
        for said in bays:
            tell(make_device(lot, space=make_space(lot), heartbeat_s=HEARTBEAT_S), said)

        slot = rolled(lot)

        assert (slot.source, slot.bays, slot.quality) == (Source.BAYS, len(bays), Quality.GOOD)
        assert_same(slot, occupancy.of_bays([in_order(said) for said in bays], 2 * HEARTBEAT_S))

    @settings(max_examples=60)
    @given(counter_words)
    def test_counters_are_rolled_up_as_second_by_second(self, said):
        lot = make_lot(capacity=40)
        tell(make_device(lot, heartbeat_s=HEARTBEAT_S), said)

        slot = rolled(lot)

        expected = occupancy.of_counter(in_order(said), 2 * HEARTBEAT_S)
        known = 1 - expected.unknown
        assert (slot.source, slot.bays) == (Source.COUNTER, 40)
        assert slot.quality == (Quality.WORDS if expected.words > known / 2 else Quality.GOOD)
        assert bool(slot.state_text) == (slot.quality == Quality.WORDS)
        assert_same(slot, expected)

    @settings(max_examples=60)
    @given(stays)
    def test_stays_are_rolled_up_as_second_by_second(self, told):
        lot = make_lot(capacity=40)
        Stay.objects.bulk_create(
            Stay(lot=lot, source=Stay.Source.GATE, began_at=at(began), ended_at=None if ended is None else at(ended))
            for began, ended in [*told, (-9000, -8000)]
        )

        slot = rolled(lot)

        assert (slot.source, slot.bays, slot.quality) == (Source.GATES, 40, Quality.GOOD)
        assert_same(slot, occupancy.of_stays(told))


@pytest.mark.django_db
def test_two_counters_of_a_lot_are_added():
    lot = make_lot(capacity=40)
    for word in (3, 4):
        tell(make_device(lot, heartbeat_s=HEARTBEAT_S), [(0, word), (400, word)])

    assert (rolled(lot).mean_occupied, rolled(lot).most_occupied) == (7, 7)
