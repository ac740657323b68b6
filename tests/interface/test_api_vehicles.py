"""A driver's cars over REST."""

import pytest

from parking_share.accounts.models import Vehicle
from tests.factories import make_vehicle
from tests.interface.api import driver

pytestmark = pytest.mark.django_db


def test_add_stores_the_plate_and_shows_it_masked():
    calls = driver()

    added = calls.post("vehicles", {"plate": "粤b·1234 5", "label": "blue", "size": 1, "height_cm": 160})

    assert added.status_code == 201
    assert added.json()["plate"] == "粤B••345"
    assert (added.json()["label"], added.json()["size"], added.json()["height_cm"]) == ("blue", 1, 160)
    assert Vehicle.objects.get().plate == "粤B12345"
    assert "12345" not in calls.get("vehicles").content.decode()


def test_add_refuses_what_no_authority_would_issue_and_what_is_there_already():
    calls = driver()
    calls.post("vehicles", {"plate": "粤B12345"})

    nonsense = calls.post("vehicles", {"plate": "!!!"})
    twice = calls.post("vehicles", {"plate": "粤B 12345"})

    assert (nonsense.status_code, nonsense.json()["code"]) == (409, "plate_not_recognised")
    assert (twice.status_code, twice.json()["code"]) == (409, "vehicle_refused")


@pytest.mark.parametrize(
    "wrong", [{"size": 4}, {"height_cm": 79}, {"height_cm": 451}, {"label": "x" * 41}, {"plate": ""}]
)
def test_add_refuses_a_field_out_of_bounds(wrong):
    answer = driver().post("vehicles", {"plate": "粤B12345"} | wrong)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(wrong))


def test_remove_takes_a_car_out_of_the_list():
    calls = driver()
    car = make_vehicle(calls.user)

    removed = calls.delete(f"vehicles/{car.pk}")
    again = calls.delete(f"vehicles/{car.pk}")

    assert (removed.status_code, removed.content, again.status_code) == (204, b"", 404)
    assert calls.get("vehicles").json()["results"] == []


def test_a_car_of_somebody_else_is_not_there():
    calls, theirs = driver(), make_vehicle(driver().user)

    assert calls.delete(f"vehicles/{theirs.pk}").status_code == 404
    assert calls.get("vehicles").json()["results"] == []


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_however_long(django_assert_num_queries, rows):
    calls = driver()
    for _ in range(rows):
        make_vehicle(calls.user)
    calls.get("vehicles")

    with django_assert_num_queries(3):
        calls.get("vehicles")
