"""Every error is a problem document, and no input makes a 5xx."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test import Client

from parking_share import clock
from parking_share.accounts.models import ApiToken, User
from parking_share.accounts.services import revoke_api_token
from parking_share.api.retries import retried
from tests.factories import make_user
from tests.interface.api import Caller, driver, period, shared_lot, wish

pytestmark = pytest.mark.django_db


def told(answer):
    """What a problem document says, checked for its form."""
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].endswith(problem["code"])
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"]
    return answer.status_code, problem["code"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"plate": "\xed\xa0\x80"}',
        b'{"plate": "\\u0000"}',
        b'{"plate\\u0000": 1}',
        b'{"plate": "\\ud800"}',
        b'{"height_cm": NaN}',
        b'{"height_cm": -Infinity}',
        b'{"height_cm": 1e999}',
        b'{"height_cm": 123456789012345678901234567890}',
        b'{"height_cm": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 30 + b"]" * 30,
        b"[]",
        b'"text"',
        b"null",
        b"17",
        b'{"plate": {"a": []}}',
        b'{"plate": true}',
    ],
)
def test_a_body_that_no_field_can_take_is_400(body):
    assert told(driver().post("vehicles", body))[0] == 400


def test_a_body_over_a_megabyte_is_413():
    assert told(driver().post("vehicles", b'{"plate": "' + b"A" * 1_000_000 + b'"}')) == (413, "too_large")


@pytest.mark.parametrize(
    "instant", ["2026-11-23T10:00:00", "2026-11-23", "soon", "9999-12-31T23:59:59-14:00", 17, None]
)
def test_a_time_without_its_offset_is_400_and_names_the_field(instant):
    calls, lot = driver(), shared_lot()

    answer = calls.post("reservations", wish(calls, lot) | {"starts_at": instant}, Idempotency_Key="one")

    assert told(answer) == (400, "invalid")
    assert list(answer.json()["errors"]) == ["starts_at"]


def test_other_formats_are_415_and_406():
    calls = driver()

    sent = calls.client.post("/api/v1/vehicles", {"plate": "粤B12345"}, headers=calls.headers)
    wanted = calls.get("vehicles", Accept="text/html")

    assert told(sent) == (415, "unsupported_media_type")
    assert told(wanted) == (406, "not_acceptable")


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
def test_an_address_that_is_none_is_404_whatever_the_method(method):
    answer = getattr(Client(), method)("/api/v1/nowhere/at/all")

    assert told(answer) == (404, "not_found")


@pytest.mark.parametrize("number", ["0", "99999999999999999999999999", "9" * 5000])
def test_a_number_that_nothing_has_is_404(number):
    assert told(driver().get(f"reservations/{number}")) == (404, "not_found")


def test_a_method_that_an_address_does_not_know_is_405():
    assert told(driver().delete("reservations")) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["reservations", "vehicles", "spaces", "notices"])
def test_nobody_is_401_and_told_how_to_sign_in(path):
    answer = Caller().get(path)

    assert told(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("secret", ["", "pshare_wrong", "a b c", "\xe9\xff"])
def test_a_token_that_is_none_is_401(secret):
    answer = Client().get("/api/v1/vehicles", headers={"Authorization": f"Bearer {secret}"})

    assert told(answer) == (401, "authentication_failed")


def test_a_revoked_token_and_a_closed_account_are_401():
    revoked, closed = driver(), driver()
    revoke_api_token(token=ApiToken.objects.get(user=revoked.user), now=clock.now())
    User.objects.filter(pk=closed.user.pk).update(is_active=False)

    assert told(revoked.get("vehicles")) == (401, "authentication_failed")
    assert told(closed.get("vehicles")) == (401, "authentication_failed")


def test_a_session_needs_its_csrf_token_to_write():
    user = make_user()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    read = browser.get("/api/v1/vehicles")
    written = browser.post("/api/v1/vehicles", '{"plate": "粤B12345"}', content_type="application/json")

    assert read.status_code == 200
    assert told(written) == (403, "permission_denied")
    assert not user.vehicles.exists()


def test_a_session_that_posts_a_huge_form_is_refused_in_order():
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")

    answer = browser.post("/api/v1/vehicles", "a=" + "b" * 3_000_000, content_type="application/x-www-form-urlencoded")

    assert told(answer)[0] in {400, 403}


@pytest.mark.parametrize("page", [{"limit": 0}, {"limit": 101}, {"limit": "all"}, {"offset": -1}, {"offset": 10**30}])
def test_a_page_out_of_bounds_is_400(page):
    assert told(driver().get("reservations", page)) == (400, "invalid")


def test_answers_are_not_kept_by_caches():
    assert driver().get("vehicles")["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_is_not_free_in_time_is_503_with_retry_after():
    calls, lot = driver(), shared_lot()
    body = wish(calls, lot)
    is_locked, may_go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            User.objects.select_for_update().get(pk=calls.user.pk)
            is_locked.set()
            may_go.wait(30)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert is_locked.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        try:
            answer = calls.post("reservations", body, Idempotency_Key="one")
        finally:
            may_go.set()
            holding.result()
            connection.close()

    assert told(answer)[0] == 503
    assert answer["Retry-After"] == "1"
    assert calls.post("reservations", body, Idempotency_Key="one").status_code == 202


@pytest.mark.django_db(transaction=True)
def test_a_database_that_went_away_is_503_and_comes_back():
    calls = driver()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]

    def cut():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(cut).result()
    connection.health_check_enabled = False
    lost = calls.get("vehicles")
    connection.close()

    assert told(lost) == (503, "unavailable")
    assert lost["Retry-After"] == "1"
    assert calls.get("vehicles").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_tried_again_and_both_sides_get_through():
    users = [make_user(), make_user()]
    both_hold_one = threading.Barrier(2)
    tries = []

    def lock_in_order(first, second):
        @transaction.atomic
        def work():
            is_first_try = tries.count(first.pk) == 0
            tries.append(first.pk)
            User.objects.select_for_update().get(pk=first.pk)
            if is_first_try:
                both_hold_one.wait(10)
            User.objects.select_for_update().get(pk=second.pk)

        try:
            retried(work)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(lock_in_order, *users), pool.submit(lock_in_order, *users[::-1])]:
            future.result()

    assert len(tries) == 3


def test_a_problem_is_told_in_the_language_of_the_caller():
    english = Client().get("/api/v1/lots", period(), headers={"Accept-Language": "en"})

    assert english.json()["errors"]["latitude"] == ["This field is required."]
    assert english.json()["detail"] == "Some of what was sent is missing or wrong; see errors."
