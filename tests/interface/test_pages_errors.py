import json

import pytest
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation

from parking_share.web import errors
from tests.factories import make_user
from tests.interface.pages import client_of, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("language", "words"), [("en", "There is nothing here"), ("zh-hans", "Parking Share")])
def test_missing_page_is_told_inside_the_design(client, language, words):
    client.cookies["django_language"] = language

    page = client.get("/nothing")

    assert page.status_code == 404
    assert words in text_of(page)
    assert 'class="site-header"' in page.content.decode()


def test_damaged_request_is_told(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]

    page = client.get("/", headers={"Host": "somewhere.else", "Accept-Language": "en"})

    assert page.status_code == 400
    assert 'class="site-header"' in page.content.decode()


def test_form_without_its_mark_is_told():
    page = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"}).post(reverse("web:set_language"))

    assert page.status_code == 403
    assert "The form was open for too long" in text_of(page)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ZeroDivisionError(), 500, "Something went wrong on our side"),
        (OperationalError("the database is away"), 503, "Just a moment"),
    ],
)
def test_our_failures_are_told_without_asking_the_database(error, status, words, django_assert_num_queries):
    with translation.override("en"), django_assert_num_queries(0):
        try:
            raise error
        except type(error):
            page = errors.server_error(RequestFactory().get("/"))

    assert page.status_code == status
    assert words in text_of(page)
    assert page.headers.get("Retry-After") == ("10" if status == 503 else None)


@pytest.mark.parametrize("address", ["/", "/account/login/", "/search", "/nothing"])
def test_pages_forbid_what_they_do_not_need(client, address):
    policy = client.get(address).headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_liveness_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        page = client.get("/healthz")

    assert (page.status_code, page.content) == (200, b"ok\n")


def test_ready_site_says_so(client):
    page = client.get("/readyz")

    assert page.status_code == 200
    assert (page.json()["state"], page.json()["database"]) == ("ok", "ok")


def test_site_without_its_broker_is_degraded_but_ready(client, settings, broker_away):
    page = client.get("/readyz")

    assert page.status_code == 200
    assert page.json() | {"unheard_bells": 0} == {
        "state": "degraded",
        "database": "ok",
        "broker": "away",
        "unheard_bells": 0,
    }


def test_site_with_an_old_database_is_not_ready(client):
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("accounts")
    MigrationRecorder(connection).record_unapplied(*newest)

    page = client.get("/readyz")

    assert (page.status_code, json.loads(page.content)["database"]) == (503, "migrations missing")


@pytest.fixture
def broker_away():
    """The broker's address leads nowhere."""
    from celery import current_app

    before = current_app.conf.broker_write_url
    current_app.conf.broker_write_url = "redis://127.0.0.1:1/0"
    yield
    current_app.conf.broker_write_url = before


def test_personal_page_of_nobody_is_never_kept_by_a_cache():
    page = client_of(make_user()).get(reverse("web:reservations"))

    assert "Cookie" in page.headers["Vary"]
