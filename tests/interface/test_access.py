"""`docs/access.md` says who gets which answer at every route; what it says is what happens."""

from pathlib import Path

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.interface.access import ROLES, World, make_world, observed, routes

TABLE = Path(__file__).resolve().parents[2] / "docs" / "access.md"


def documented() -> dict[tuple[str, str], list[str]]:
    """The answers of each documented route and method, by role in order."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    return {(row[0], row[1]): row[2:] for row in rows}


def admin_lists() -> list[str]:
    return [
        "admin:index",
        *(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry),
    ]


@pytest.fixture
def world(transactional_db) -> World:
    return make_world()


def test_every_route_is_documented():
    assert sorted({route for route, _method in documented()}) == routes()


def test_everybody_gets_exactly_the_documented_answer(world):
    wrong = [
        f"{route} {method} as {role}: documented {said}, got {got}"
        for (route, method), row in documented().items()
        for role, said in zip(ROLES, row, strict=True)
        if (got := observed(world, route, method, role)) != said
    ]

    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_the_admin_is_for_operators(world, role):
    client = Client()
    if role != "anonymous":
        client.force_login(world.people[role], backend="django.contrib.auth.backends.ModelBackend")

    opened = [name for name in admin_lists() if admin_answers(client, reverse(name))]

    assert opened == (admin_lists() if role == "operator" else [])


def admin_answers(client: Client, address: str) -> bool:
    """Whether the page itself comes, not a refusal and not the way to the log-in page."""
    response = client.get(address, follow=True)
    return response.status_code == 200 and response.request["PATH_INFO"] == address
