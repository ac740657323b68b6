"""A simulated driver whose plate no camera can read comes in with a code, through the site's own endpoints."""

import numpy as np
import pytest

from parking_share import clock
from parking_share.demo.simulation.api import DriversApp
from parking_share.demo.simulation.barrier import Barriers
from parking_share.demo.simulation.conduct import Faults
from parking_share.demo.simulation.diary import Diary
from parking_share.demo.simulation.hardware import install
from parking_share.demo.simulation.wire import Wire
from parking_share.fulfilment.models import GateAnswer
from tests.factories import hours, make_shared_lot
from tests.gates import book, make_gate

pytestmark = pytest.mark.django_db(transaction=True)


def test_driver_gets_a_code_and_the_terminal_opens_once(live_server):
    now, rng = clock.now(), np.random.default_rng(1)
    lot = make_shared_lot(starts_at=now - hours(1), ends_at=now + hours(9))
    gate, mine = make_gate(lot), book(lot, now=now)
    hardware = install([lot], lots_with_bay_sensors=[], now=now)
    wire = Wire(live_server.url, faults=Faults.none(), diary=Diary(), rng=rng)
    barriers = Barriers(hardware, wire, faults=Faults.none(), began_at=now, rng=rng)

    code = DriversApp(live_server.url, now=now).code_for(mine)

    opened = [barriers.show_code(lot.pk, code) for _ in range(2)]
    wire.hang_up()

    assert opened == [True, False]
    assert list(GateAnswer.objects.order_by("pk").values_list("gate", "verdict")) == [
        (gate.pk, "RESERVED"),
        (gate.pk, "WRONG_CODE"),
    ]
