"""The policy laboratory in a browser: its result comes by itself, and its pages are for everybody."""

import pytest
from django.urls import reverse
from playwright.sync_api import FilePayload, expect

from allocation.models import LabRun
from parking_share.spaces.models import District, Role
from tests.factories import grant, make_user
from tests.interface.lab_rows import day_file, make_comparison
from tests.journeys.steps import log_in
from tests.journeys.test_accessibility import faults_of


@pytest.fixture
def district() -> District:
    return District.objects.create(city="Here", name="Home")


def staff_of(district: District, *, language: str) -> str:
    person = make_user(language=language)
    grant(person, Role.CITY_STAFF, district=district)
    return str(person.email)


def test_an_uploaded_day_is_compared_while_one_watches(visit, district):
    visitor = visit(language="en", width=360)
    log_in(visitor, staff_of(district, language="en"))
    visitor.go(reverse("web:city_laboratory"))

    file = FilePayload(name="day.json", mimeType="application/json", buffer=day_file())
    visitor.page.get_by_label("Instance file").set_input_files(file)
    visitor.page.get_by_role("button", name="Compare on this day").click()

    expect(visitor.page.get_by_role("heading", name="All policies side by side")).to_be_visible(timeout=60_000)
    assert LabRun.objects.get().state == "DONE"
    visitor.page.get_by_label("Policy", exact=True).select_option(label="best fit")
    visitor.page.get_by_role("button", name="Show").click()
    expect(visitor.page.get_by_role("heading", name="After: best fit")).to_be_visible()


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 360, "dark"), ("zh-hans", 1280, "light")])
def test_its_pages_are_accessible(visit, district, language, width, scheme):
    email = staff_of(district, language=language)
    done, busy = make_comparison(district), make_comparison(district, state="RUNNING")
    pages = [
        reverse("web:city_laboratory"),
        *(reverse("web:city_comparison", args=[run.pk]) for run in (done, busy)),
    ]
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    log_in(visitor, email)

    assert {path: faults_of(visitor, path) for path in pages} == {path: [] for path in pages}
