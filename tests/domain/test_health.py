"""Whether devices and gateways still speak."""

from datetime import timedelta

import pytest

from parking_share.spaces.models import Lot
from sensors.health import device_health, gateway_health
from tests.factories import NOW, make_device, make_gateway, make_lot
from tests.interface.sensor_rows import make_raw_message

pytestmark = pytest.mark.django_db


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_a_device_is_silent_after_two_heartbeats_and_those_with_trouble_come_first():
    lot = make_lot()
    gateway = make_gateway(lot)
    heard = {"gateway": gateway, "heartbeat_s": 600}
    make_device(lot, identifier="a fine", heard_at=NOW - minutes(20), **heard)
    make_device(
        lot,
        identifier="b silent",
        heard_at=NOW
        - minutes(
            20,
        )
        - timedelta(seconds=1),
        **heard,
    )
    make_device(lot, identifier="c never", heard_at=None, **heard)
    make_device(lot, identifier="d clock", heard_at=NOW, clock_off_s=-400, **heard)
    make_device(lot, identifier="e gone", heard_at=None, is_active=False, **heard)
    make_device(make_lot(), identifier="f elsewhere", heard_at=None)

    found = [(one.device.identifier, one.is_silent, one.clock_is_off) for one in device_health(lot, now=NOW)]

    assert found == [
        ("b silent", True, False),
        ("c never", True, False),
        ("d clock", False, True),
        ("a fine", False, False),
    ]
    assert device_health(lot, now=NOW)[2].clock_off_by == timedelta(seconds=400)


def test_gateways_are_counted_by_their_devices_in_these_lots(django_assert_num_queries):
    here, elsewhere = make_lot(), make_lot()
    quiet, talkative, off = (make_gateway(here, elsewhere, name=name) for name in ("quiet", "talkative", "off"))
    make_device(here, gateway=quiet, heard_at=NOW - timedelta(days=1))
    make_device(here, gateway=quiet, heard_at=NOW - minutes(1))
    make_device(here, gateway=talkative, heard_at=NOW)
    make_device(elsewhere, gateway=talkative, heard_at=None)
    make_device(here, gateway=off)
    type(off).objects.filter(pk=off.pk).update(is_active=False)
    make_raw_message(talkative)
    make_raw_message(talkative, state="READ")

    with django_assert_num_queries(2):
        rows = gateway_health(Lot.objects.filter(pk=here.pk), now=NOW)

    assert [(row.name, row.devices, row.silent, row.quarantined) for row in rows] == [
        ("quiet", 2, 1, 0),
        ("talkative", 1, 0, 1),
    ]
    assert rows[0].heard_at == NOW - minutes(1)
