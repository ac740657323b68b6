"""What if, in a real browser: a place is picked on the map, the answer is drawn, and it gets a name."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from coverage.models import Scenario
from coverage.services import slot_of
from parking_share import clock
from parking_share.spaces.models import Role
from tests.coverage_rows import CityRows, make_city, publish
from tests.factories import grant, make_user
from tests.journeys.steps import log_in
from tests.journeys.test_accessibility import faults_of

LOTS = 40
READY = "async () => Boolean((await document.querySelector('[data-city-map]').cityMap)?.map.loaded())"


@pytest.fixture
def city() -> CityRows:
    city = make_city(lots=LOTS)
    publish(city, [slot_of(clock.now()) - timedelta(minutes=30)])
    return city


def a_planner(city: CityRows, *, language: str = "en") -> str:
    planner = make_user(language=language)
    grant(planner, Role.CITY_STAFF, district=city.district)
    return str(planner.email)


def test_a_place_is_picked_on_the_map_and_the_what_if_gets_a_name(visit, city):
    visitor = visit()
    log_in(visitor, a_planner(city))
    page = visitor.page
    visitor.go(reverse("web:city_whatif"))
    expect(page.get_by_text("A click on the map writes the place into the open form.")).to_be_visible()
    page.wait_for_function(READY)

    page.get_by_text("Add a lot", exact=True).click()
    page.locator("[data-city-map] canvas").first.click()
    form = page.locator("details[open]")
    expect(form.get_by_label("Place")).not_to_have_value("")
    form.get_by_label("Name").fill("Under the square")
    form.get_by_label("Bays", exact=True).fill("300")
    form.get_by_role("button").click()

    expect(page.get_by_text("Add “Under the square” with 300 bays")).to_be_visible()
    expect(page.get_by_text("gains", exact=False).first).to_be_visible()
    expect(page.locator("svg .sketch__marked")).to_have_count(2)
    page.get_by_label("Name", exact=True).last.fill("More room in the middle")
    page.get_by_role("button", name="Name it and get a link").click()
    expect(page.get_by_role("heading", name="More room in the middle")).to_be_visible()
    assert visitor.path == reverse("web:city_scenario", args=[Scenario.objects.get().link])


def test_a_what_if_needs_no_script(visit, city):
    visitor = visit(java_script_enabled=False)
    log_in(visitor, a_planner(city))
    page = visitor.page
    visitor.go(reverse("web:city_whatif"))

    page.get_by_text("Close a lot", exact=True).click()
    page.locator("details[open]").get_by_label("Lot").fill(f"#{city.lots[3].pk}")
    page.locator("details[open]").get_by_role("button").click()

    expect(page.get_by_text(f"Close “{city.lots[3].name}”.")).to_be_visible()
    expect(page.get_by_role("heading", name="Who gains, who loses")).to_be_visible()


def test_without_webgl_no_map_shows_what_it_does_not_mean(visit, city):
    visitor = visit()
    visitor.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    log_in(visitor, a_planner(city))
    page, sentence = visitor.page, "This browser can't paint this map"

    visitor.go(f"{reverse('web:city_whatif')}?c=close:{city.lots[3].pk}")
    before, after = page.locator("[data-city-map]").all()
    expect(before.locator("img")).to_be_visible()
    expect(after).to_contain_text(sentence)
    expect(after.locator("img")).to_have_count(0)

    visitor.go(reverse("web:city_coverage_clusters"))
    expect(page.locator("[data-city-map]")).to_contain_text(sentence)


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 360, "dark"), ("zh-hans", 1280, "light")])
def test_pages_about_coverage_are_accessible(visit, city, language, width, scheme):
    lot = city.lots[0].pk
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    log_in(visitor, a_planner(city, language=language))
    pages = [
        reverse("web:city_coverage"),
        reverse("web:city_coverage_lot", args=[lot]),
        reverse("web:city_coverage_clusters"),
        reverse("web:city_willingness"),
        f"{reverse('web:city_whatif')}?c=close:{lot}",
    ]

    assert {path: faults_of(visitor, path) for path in pages} == {path: [] for path in pages}
