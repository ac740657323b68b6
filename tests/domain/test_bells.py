import base64
import json
import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connection, transaction

from allocation import services, tasks
from parking_share import bells
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker():
    """The real broker, with empty queues."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("decide", "default", bells._mark("allocation.decide"))
        bells._ropes.cache_clear()
        yield client
        client.delete("decide", "default", bells._mark("allocation.decide"))


@pytest.fixture
def broker_moved(monkeypatch):
    """Let bells look for the broker at another port."""

    def move(port: int) -> None:
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", f"redis://127.0.0.1:{port}/0")
        bells._ropes.cache_clear()

    yield move
    bells._ropes.cache_clear()


@pytest.fixture
def port_where_nobody_listens() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def port_where_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = []

        def accept() -> None:
            while True:
                try:
                    accepted.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in accepted:
            connection.close()


def ask(lot) -> Reservation:
    driver = make_user()
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=NOW + hours(1), ends_at=NOW + hours(2))
    return services.request_reservation(driver=driver, wish=wish, now=NOW)


def test_request_rings_after_commit(broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        ask(make_shared_lot())
        assert broker.llen("decide") == 0

    assert broker.llen("decide") == 1


def test_one_bell_is_enough_until_it_is_answered(broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        ask(make_shared_lot())
        ask(make_shared_lot())
    assert broker.llen("decide") == 1

    bells.answer("allocation.decide")
    with django_capture_on_commit_callbacks(execute=True):
        ask(make_shared_lot())

    assert broker.llen("decide") == 2


def test_the_task_answers_the_bell_before_it_decides(broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        reservation = ask(make_shared_lot())

    tasks.decide(lot_id=reservation.lot_id)

    reservation.refresh_from_db()
    assert reservation.is_decided
    assert not broker.exists(bells._mark("allocation.decide"))


def test_a_bell_that_got_lost_keeps_nobody_from_ringing_for_long(broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        ask(make_shared_lot())

    assert 0 < broker.pttl(bells._mark("allocation.decide")) <= bells.ON_ITS_WAY_MS


@pytest.mark.django_db(transaction=True)
def test_request_that_is_rolled_back_rings_nobody(broker):
    lot = make_shared_lot()

    with transaction.atomic():
        ask(lot)
        transaction.set_rollback(True)

    assert broker.llen("decide") == 0
    assert not Reservation.objects.exists()


def test_request_succeeds_while_the_broker_is_away(
    broker_moved, port_where_nobody_listens, django_capture_on_commit_callbacks, caplog
):
    broker_moved(port_where_nobody_listens)
    unheard_before = bells.unheard.count

    with django_capture_on_commit_callbacks(execute=True):
        reservation = ask(make_shared_lot())

    reservation.refresh_from_db()
    assert reservation.status == Status.REQUESTED
    assert bells.unheard.count == unheard_before + 1
    logged = [record.msg for record in caplog.records if record.name == "parking_share.bells"]
    assert [(entry["event"], entry["task"]) for entry in logged] == [("bell_unheard", "allocation.decide")]


def test_sweep_rings_again_for_a_bell_that_was_not_heard(
    broker, broker_moved, port_where_nobody_listens, monkeypatch, django_capture_on_commit_callbacks
):
    broker_moved(port_where_nobody_listens)
    with django_capture_on_commit_callbacks(execute=True):
        ask(make_shared_lot())
    monkeypatch.delenv("CELERY_BROKER_WRITE_URL")
    bells._ropes.cache_clear()

    with django_capture_on_commit_callbacks(execute=True):
        services.ring_for_what_waits(now=NOW + timedelta(seconds=10))

    assert broker.llen("decide") == 1


def test_sweep_lets_a_fresh_request_wait_for_its_own_bell(broker, django_capture_on_commit_callbacks):
    ask(make_shared_lot())

    with django_capture_on_commit_callbacks(execute=True):
        assert services.ring_for_what_waits(now=NOW + timedelta(seconds=1)) == 0


def test_broker_that_never_answers_delays_a_request_by_less_than_a_second(
    broker_moved, port_where_nobody_answers, django_capture_on_commit_callbacks
):
    broker_moved(port_where_nobody_answers)
    lot = make_shared_lot()
    unheard_before = bells.unheard.count

    with django_capture_on_commit_callbacks(execute=True):
        ask(lot)
        began = time.monotonic()
    took = time.monotonic() - began

    assert bells.unheard.count == unheard_before + 1
    assert took < 1


def test_workers_wait_longer_than_bells():
    """A worker reads with the settings' patience; only bells are in a hurry."""
    assert current_app.connection_for_read().transport_options["socket_timeout"] > bells.PATIENCE_S


@pytest.mark.django_db(transaction=True)
def test_a_round_rings_again_for_a_lot_that_another_round_had_locked(broker):
    mine, theirs = make_shared_lot(), make_shared_lot()
    ask(mine)
    waits = ask(theirs)

    bells.answer("allocation.decide")
    broker.delete("decide")

    with locked_elsewhere(theirs):
        assert services.decide(lot_id=mine.pk, now=NOW) == 1

    waits.refresh_from_db()
    assert waits.status == Status.REQUESTED
    assert [rung_for(message) for message in broker.lrange("decide", 0, -1)] == [{"lot_id": theirs.pk}]


def rung_for(message: bytes) -> dict[str, int]:
    """The arguments of the task that a message asks for."""
    _positional, arguments, _embedded = json.loads(base64.b64decode(json.loads(message)["body"]))
    return dict(arguments)


@contextmanager
def locked_elsewhere(lot):
    """Hold the lot's lock in another connection."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Lot.objects.select_for_update(no_key=True).get(pk=lot.pk)
            locked.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(10)
    try:
        yield
    finally:
        done.set()
        holder.join()
