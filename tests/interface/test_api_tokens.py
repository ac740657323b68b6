"""Getting, using and giving back a token."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from parking_share import clock
from parking_share.accounts.models import ApiToken
from parking_share.accounts.services import token_hash, use_api_token
from parking_share.api.throttles import TokenThrottle
from tests.factories import PASSWORD, make_user
from tests.interface.api import Caller, driver

pytestmark = pytest.mark.django_db


def ask(login, password=PASSWORD, **headers):
    return Caller().post("tokens", {"login": login, "password": password, "name": "my car"}, **headers)


@pytest.fixture(autouse=True)
def no_earlier_failures():
    cache.clear()


@pytest.mark.parametrize("login", ["Person@Example.org", "+8613800138000"])
def test_a_token_is_shown_once_and_only_its_hash_is_kept(login):
    user = make_user(email="person@example.org", phone="+8613800138000")

    answer = ask(login)

    assert answer.status_code == 201
    secret = answer.json()["token"]
    row = ApiToken.objects.get()
    assert (row.user, row.name, row.secret_hash) == (user, "my car", token_hash(secret))
    assert secret.startswith("pshare_")
    assert len(secret) == len("pshare_") + 43
    used = Client().get("/api/v1/vehicles", headers={"Authorization": f"bearer {secret}"})
    assert used.status_code == 200


def test_a_wrong_password_and_an_unknown_login_say_the_same():
    make_user(email="person@example.org")

    wrong, unknown = ask("person@example.org", "guess"), ask("nobody@example.org", "guess")

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert not ApiToken.objects.exists()


def test_a_closed_account_gets_no_token():
    make_user(email="person@example.org", is_active=False)

    assert ask("person@example.org").status_code == 401


def test_five_wrong_passwords_lock_the_login_even_for_the_right_one():
    make_user(email="person@example.org")
    make_user(email="other@example.org")

    answers = [ask("person@example.org", f"guess{number}") for number in range(5)]
    locked = ask("Person@example.org")

    assert [answer.status_code for answer in answers] == [401] * 5
    assert (locked.status_code, locked["Retry-After"]) == (429, "300")
    assert ask("other@example.org").status_code == 201


def test_attempts_from_one_address_are_limited_whatever_address_they_claim(monkeypatch):
    monkeypatch.setattr(TokenThrottle, "rate", "2/min", raising=False)

    answers = [ask(f"nobody{number}@example.org", X_Forwarded_For=f"10.0.0.{number}") for number in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_a_token_given_back_opens_nothing():
    calls = driver()

    given_back = calls.delete("tokens/current")

    assert given_back.status_code == 204
    assert calls.get("vehicles").status_code == 401
    assert ApiToken.objects.get().revoked_at is not None


def test_a_session_has_no_token_to_give_back():
    browser = Client()
    browser.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")

    assert browser.delete("/api/v1/tokens/current").status_code == 404


def test_last_use_is_written_at_most_once_an_hour():
    user, now = make_user(), clock.now()
    ApiToken.objects.create(user=user, name="test", secret_hash=token_hash("secret"), created_at=now)

    noted = []
    for minutes in (0, 59, 61):
        use_api_token(secret="secret", now=now + timedelta(minutes=minutes))
        noted.append(ApiToken.objects.get().last_used_at)

    assert noted == [now, now, now + timedelta(minutes=61)]


def test_command_prints_a_token_that_works():
    make_user(email="person@example.org")
    printed = StringIO()

    call_command("issue_api_token", "person@example.org", "--name", "replay", stdout=printed)

    used = Client().get("/api/v1/vehicles", headers={"Authorization": f"Bearer {printed.getvalue().strip()}"})
    assert used.status_code == 200
    assert ApiToken.objects.get().name == "replay"


@pytest.mark.parametrize("is_active", [None, False])
def test_command_refuses_whom_it_can_not_serve(is_active):
    if is_active is not None:
        make_user(email="person@example.org", is_active=is_active)

    with pytest.raises(CommandError, match=r"person@example\.org"):
        call_command("issue_api_token", "person@example.org", "--name", "replay")
