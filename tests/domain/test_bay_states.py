from datetime import timedelta

import pytest

from sensors.models import BayState, Occupancy
from sensors.selectors import NEVER_HEARD, bay_states
from tests.factories import NOW, make_device, make_lot, make_space

pytestmark = pytest.mark.django_db

HEARTBEAT = timedelta(seconds=600)


@pytest.fixture
def device():
    lot = make_lot()
    return make_device(lot, space=make_space(lot), heartbeat_s=HEARTBEAT.total_seconds())


def heard(device, state, *, observed_at=NOW, heard_at=NOW):
    return BayState.objects.create(
        space=device.space,
        device=device,
        state=state,
        observed_at=observed_at,
        sequence=1,
        tie_break="0" * 32,
        since=observed_at,
        heard_at=heard_at,
    )


@pytest.mark.parametrize("state", [Occupancy.FREE, Occupancy.OCCUPIED, Occupancy.CLOSED])
def test_a_bay_is_what_was_said_last_for_two_heartbeats(device, state):
    heard(device, state, observed_at=NOW - timedelta(hours=3))

    view = bay_states([device.space_id], now=NOW + 2 * HEARTBEAT)[device.space_id]

    assert (view.state, view.since, view.heard_at) == (state, NOW - timedelta(hours=3), NOW)


@pytest.mark.parametrize("state", [Occupancy.FREE, Occupancy.OCCUPIED, Occupancy.CLOSED])
def test_silence_beyond_two_heartbeats_is_unknown_and_never_free(device, state):
    heard(device, state)

    view = bay_states([device.space_id], now=NOW + 2 * HEARTBEAT + timedelta(seconds=1))[device.space_id]

    assert (view.state, view.since, view.heard_at) == (Occupancy.UNKNOWN, NOW + 2 * HEARTBEAT, NOW)


def test_a_bay_without_a_sensor_is_unknown(device):
    assert bay_states([device.space_id], now=NOW) == {device.space_id: NEVER_HEARD}


def test_many_bays_are_asked_for_at_once(device, django_assert_num_queries):
    heard(device, Occupancy.OCCUPIED)
    bare = make_space(device.lot)

    with django_assert_num_queries(1):
        views = bay_states([device.space_id, bare.pk], now=NOW)

    assert [views[device.space_id].state, views[bare.pk].state] == [Occupancy.OCCUPIED, Occupancy.UNKNOWN]
