"""A call that is made twice happens once, however close together; waiting for the decision is bounded."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from allocation import services as allocation
from parking_share import clock
from parking_share.api import waiting
from parking_share.api.waiting import preferred_wait
from parking_share.reservations.models import IdempotencyKey, Reservation
from parking_share.spaces.models import BookingLimits
from tests.interface.api import driver, shared_lot, wish

CALLS = 50

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_thread(call: Callable[[], Any]) -> Any:
    """Make the call with a database connection of its own."""
    try:
        return call()
    finally:
        connection.close()


@contextmanager
def deciding(lot):
    """Decide what waits in a lot, again and again, as the worker would."""
    is_over = threading.Event()

    def decide():
        while not is_over.is_set():
            allocation.decide(lot_id=lot.pk, now=clock.now())
            is_over.wait(0.01)

    with ThreadPoolExecutor(1) as worker:
        work = worker.submit(in_a_thread, decide)
        try:
            yield
        finally:
            is_over.set()
            work.result()


def test_the_same_key_50_times_at_once_makes_one_reservation_and_one_reply():
    calls, lot = driver(), shared_lot(spaces=3)
    body, start = wish(calls, lot), threading.Barrier(CALLS)

    def call():
        start.wait()
        return calls.post("reservations", body, Idempotency_Key="once", Prefer="wait=10")

    with deciding(lot), ThreadPoolExecutor(CALLS) as pool:
        answers = [future.result() for future in [pool.submit(in_a_thread, call) for _ in range(CALLS)]]
    final = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code != 201]

    assert Reservation.objects.count() == 1
    assert {answer.content for answer in final} == {IdempotencyKey.objects.get().reply_body.encode()}
    assert len([answer for answer in final if "Idempotent-Replayed" not in answer]) == 1
    assert {(answer.status_code, answer["Retry-After"], answer.json()["code"]) for answer in busy} <= {
        (409, "1", "idempotency_key_in_progress")
    }
    later = calls.post("reservations", body, Idempotency_Key="once")
    assert (later.status_code, later.content) == (201, final[0].content)
    assert (later["Idempotent-Replayed"], later["Location"]) == ("true", final[0]["Location"])


def test_the_last_open_place_is_not_refused_to_the_repeat_that_came_second():
    calls, lot = driver(), shared_lot(spaces=3)
    BookingLimits.objects.create(lot=lot, open_requests_per_driver=1)
    body, start = wish(calls, lot), threading.Barrier(8)

    def call():
        start.wait()
        return calls.post("reservations", body, Idempotency_Key="once")

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(in_a_thread, call) for _ in range(8)]]

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"idempotency_key_in_progress"}


def test_a_key_stays_open_after_202_until_the_decision_and_then_keeps_one_reply():
    calls, lot = driver(), shared_lot()
    body = wish(calls, lot)

    first = calls.post("reservations", body, Idempotency_Key="once")
    undecided = calls.post("reservations", body, Idempotency_Key="once")
    allocation.decide(lot_id=lot.pk, now=clock.now())
    decided = calls.post("reservations", body, Idempotency_Key="once")
    calls.post(f"reservations/{first.json()['id']}/cancel")
    later = calls.post("reservations", body, Idempotency_Key="once")

    assert (first.status_code, undecided.status_code, decided.status_code) == (202, 409, 201)
    assert decided.json()["status"] == "ACCEPTED"
    assert later.content == decided.content


def test_a_key_used_for_another_body_is_422():
    calls, lot = driver(), shared_lot()
    body = wish(calls, lot)
    calls.post("reservations", body, Idempotency_Key="once")

    same_in_other_order = calls.post("reservations", dict(reversed(body.items())), Idempotency_Key="once")
    other = calls.post("reservations", body | {"needs_charger": True}, Idempotency_Key="once")

    assert same_in_other_order.status_code == 409
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Reservation.objects.count() == 1


def test_the_same_key_of_two_drivers_is_two_keys():
    lot = shared_lot(spaces=2)
    first, second = driver(), driver()

    answers = [one.post("reservations", wish(one, lot), Idempotency_Key="once") for one in (first, second)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert Reservation.objects.count() == 2


def test_nothing_is_kept_when_the_call_was_refused():
    calls, lot = driver(), shared_lot()
    body = wish(calls, lot)

    malformed = calls.post("reservations", body | {"starts_at": "soon"}, Idempotency_Key="once")
    refused = calls.post("reservations", body | {"ends_at": body["starts_at"]}, Idempotency_Key="once")

    assert (malformed.status_code, refused.status_code) == (400, 409)
    assert not IdempotencyKey.objects.exists()
    assert calls.post("reservations", body, Idempotency_Key="once").status_code == 202


@pytest.mark.parametrize("key", [None, "", " ", "two words", "ключ", "k" * 256])
def test_a_reservation_without_a_usable_key_is_400_and_names_the_header(key):
    calls, lot = driver(), shared_lot()
    headers = {} if key is None else {"Idempotency_Key": key}

    answer = calls.post("reservations", wish(calls, lot), **headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert list(answer.json()["errors"]) == ["Idempotency-Key"]
    assert not Reservation.objects.exists()


def test_prefer_wait_brings_the_decision_in_the_same_reply():
    calls, lot = driver(), shared_lot()

    with deciding(lot):
        answer = calls.post("reservations", wish(calls, lot), Idempotency_Key="once", Prefer="respond-async, wait=10")

    assert (answer.status_code, answer.json()["status"]) == (201, "ACCEPTED")
    assert answer["Preference-Applied"] == "wait=10"
    assert answer["Location"] == f"/api/v1/reservations/{answer.json()['id']}"


def test_prefer_wait_ends_with_202_when_nobody_decides():
    calls, lot = driver(), shared_lot()

    answer = calls.post("reservations", wish(calls, lot), Idempotency_Key="once", Prefer="wait=0")

    assert (answer.status_code, answer["Preference-Applied"]) == (202, "wait=0")


def test_half_of_the_threads_may_wait_and_the_next_gets_202_at_once():
    calls, lot = driver(), shared_lot()
    taken = [waiting._places.acquire(blocking=False) for _ in range(settings.API_WAITERS)]
    try:
        answer = calls.post("reservations", wish(calls, lot), Idempotency_Key="once", Prefer="wait=10")
    finally:
        for _ in taken:
            waiting._places.release()

    assert taken == [True, True]
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer


@pytest.mark.django_db(databases=[])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=5", 5),
        ('Wait = "7"', 7),
        ("respond-async, wait=3; foo=bar", 3),
        ("wait=999", 10),
        ("wait=-1", None),
        ("wait=١", None),
        ("wait", None),
        ("", None),
        ("handling=lenient", None),
    ],
)
def test_preferred_wait_reads_the_header(header, seconds):
    assert preferred_wait(header) == seconds
