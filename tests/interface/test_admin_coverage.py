"""Coverage in the admin: settings that a picture can be made with, with a history, and what is wrong with pictures."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from coverage.models import CoverageRun, CoverageSettings
from parking_share.accounts.models import User
from parking_share.spaces.models import District
from tests.factories import PASSWORD
from tests.interface.coverage_admin_rows import a_run
from tests.interface.pages import text_of

pytestmark = pytest.mark.django_db

GOOD = {
    "city": "",
    "mode": "FLAT",
    "fee_effect": "hyperbolic",
    "fee_scale": "1",
    "floor_m": "10",
    "vacancy_accuracy": "0.01",
    "cluster_radius_m": "220",
    "tolerance_m": "0.5",
}
ADD = "admin:coverage_coveragesettings_add"


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_superuser("operator@example.org", PASSWORD, language="en")
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return user


def test_settings_are_changed_and_the_history_says_from_what_to_what(client, operator):
    row = CoverageSettings.objects.create()

    client.post(reverse("admin:coverage_coveragesettings_change", args=[row.pk]), GOOD | {"cluster_radius_m": "300"})

    row.refresh_from_db()
    assert row.cluster_radius_m == 300
    assert "cluster_radius_m: 220.0 → 300.0" in LogEntry.objects.get().get_change_message()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"fee_scale": "0"}, "are above zero"),
        ({"vacancy_accuracy": "0.6"}, "at most 0.5"),
        ({"tolerance_m": "0.001"}, "more points than anybody sees"),
        ({"cluster_radius_m": "6000"}, "At most 5000 metres."),
        ({"floor_m": "1001"}, "At most 1000 metres."),
        ({"fee_effect": "magic"}, "Select a valid choice."),
        ({"city": "Atlantis"}, "No district belongs to this city."),
        ({"is_public": "on"}, "Name the city whose map everybody may see."),
    ],
)
def test_settings_that_no_picture_can_be_made_with_are_refused(client, operator, wrong, said):
    response = client.post(reverse(ADD), GOOD | wrong)

    assert said in text_of(response)
    assert not CoverageSettings.objects.exists()


def test_a_named_citys_map_can_be_made_public(client, operator):
    District.objects.create(city="深圳", name="罗湖")

    client.post(reverse(ADD), GOOD | {"city": "深圳", "is_public": "on"})

    assert CoverageSettings.objects.get().is_public


def test_late_and_refused_pictures_are_told_above_the_list(client, operator):
    a_run(1)
    CoverageRun.objects.update(status=CoverageRun.Status.REFUSED, complaint="areas overlap by 3 square metres")

    shown = text_of(client.get(reverse("admin:coverage_coveragerun_changelist")))

    assert "City 1: the picture of" in shown
    assert "is late." in shown
    assert "areas overlap by 3 square metres" in shown
