"""The admin: every model is there, pages cost the same however many rows, and what may not be written can't be."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import CompositePrimaryKey
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from parking_share.accounts.models import User
from parking_share.spaces import models as spaces
from tests.factories import (
    PASSWORD,
    grant,
    make_user,
)
from tests.interface.admin_rows import MAKERS, READ_ONLY, REGISTERED

pytestmark = pytest.mark.django_db

ROOMS = ("accounts", "spaces", "reservations", "notices", "allocation", "sensors", "fulfilment", "surveys", "coverage")
MOST_QUERIES = 15


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_superuser("operator@example.org", PASSWORD, language="en")
    client.force_login(user)
    return user


def address(model, page: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_every_model_of_ours_is_in_the_admin():
    ours = {model for room in ROOMS for model in apps.get_app_config(room).get_models()}
    shown = {model for model in ours if not isinstance(model._meta.pk, CompositePrimaryKey)}  # Django's admin can't

    assert {model.__name__ for model in shown - set(REGISTERED)} == set()


def test_every_page_of_the_admin_has_a_maker_of_rows():
    assert {model.__name__ for model in set(REGISTERED) - set(MAKERS)} == set()


def costs(client, url: str, *, status: int = 200) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(url)
    assert response.status_code == status, url
    assert_obeys_the_content_security_policy(response.content.decode())
    return len(queries)


def assert_obeys_the_content_security_policy(html: str) -> None:
    for forbidden in (r"<script(?![^>]*\bsrc=)", r"<style\b", r"\sstyle=", r"\son[a-z]+=", r"javascript:"):
        assert re.search(forbidden, html) is None, forbidden


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_pages_cost_the_same_for_one_row_and_for_three(client, operator, model):
    first = MAKERS[model](1)
    for url in (address(model, "changelist"), address(model, "change", first.pk)):
        client.get(url)  # what Django looks up once per process is looked up now
    with_one = costs(client, address(model, "changelist"))
    to_change = costs(client, address(model, "change", first.pk))

    for number in (2, 3):
        MAKERS[model](number)

    assert costs(client, address(model, "changelist")) == with_one <= MOST_QUERIES
    assert costs(client, address(model, "change", first.pk)) == to_change <= MOST_QUERIES


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_add_pages_open_where_adding_is_allowed(client, operator, model):
    may_add = model not in READ_ONLY

    assert costs(client, address(model, "add"), status=200 if may_add else 403) <= MOST_QUERIES


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_lists_can_be_searched(client, operator, model):
    MAKERS[model](1)
    if admin.site._registry[model].search_fields:
        assert client.get(address(model, "changelist"), {"q": "a 7"}).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_rows_that_only_services_write_refuse_every_post(client, operator, model):
    row = MAKERS[model](1)
    before = list(model.objects.order_by("pk").values())

    answers = [
        client.post(address(model, "add"), {}).status_code,
        client.post(address(model, "change", row.pk), {"status": "CANCELLED"}).status_code,
        client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code,
    ]

    assert answers == [403, 403, 403]
    client.post(
        address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("who", ["nobody", "driver", "operator by grant"])
def test_strangers_are_sent_away(client, who):
    if who != "nobody":
        user = make_user()
        client.force_login(user)
        if who == "operator by grant":
            grant(user, spaces.Role.OPERATOR)

    urls = [reverse("admin:index"), reverse("admin:reservations_reservation_by_plate")]
    urls += [address(model, "changelist") for model in REGISTERED]

    assert {client.get(url).status_code for url in urls} == {302}
