import pytest
from playwright.sync_api import expect

from allocation import services
from parking_share import clock
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot
from tests.factories import hours, make_lot, make_space, make_user, make_vehicle
from tests.journeys.steps import (
    book,
    expect_status,
    log_in,
    make_lot_for_today,
    publish_all_hours,
    search,
    sign_up,
    tab_to,
)

BOTH = pytest.mark.parametrize("language", ["en", "zh-hans"])
NARROW_AND_WIDE = pytest.mark.parametrize("width", [360, 1280])


@BOTH
@NARROW_AND_WIDE
def test_owner_publishes_and_driver_books_sees_the_bay_and_cancels(visit, resting_worker, language, width):
    keeper = make_user(language=language)
    bay = make_space(make_lot(name="东门老街公共停车场"), label="B-12", owner=keeper)
    bay.lot.gates.create(name="东门", latitude=bay.lot.latitude, longitude=bay.lot.longitude)
    owner, driver = visit(language=language, width=width), visit(language=language, width=width)

    log_in(owner, keeper.email)
    publish_all_hours(owner, bay)
    sign_up(driver, f"{language}{width}@example.org")
    search(driver, "罗湖")
    book(driver, "粤B12345")
    expect_status(driver.page, "REQUESTED")
    driver.page.evaluate("window.wasNotReloaded = true")
    resting_worker()

    expect_status(driver.page, "ASSIGNED")
    expect(driver.page.locator("#status h2").first).to_contain_text("B-12")
    expect(driver.page.locator("#status")).to_contain_text("东门")
    assert driver.page.evaluate("window.wasNotReloaded") is True

    driver.page.click("#status a[href$='/cancel']")
    driver.page.click(".button--no")
    expect_status(driver.page, "CANCELLED")
    assert Reservation.objects.get().status == Status.CANCELLED


def test_refused_driver_takes_another_time_at_one_click(visit):
    lot = make_lot_for_today()
    starts_at = (clock.now() + hours(24)).replace(minute=0, second=0, microsecond=0)
    rival, person = make_user(), make_user()
    wish = Wish(lot=lot, vehicles=[make_vehicle(rival)], starts_at=starts_at, ends_at=starts_at + hours(0.5))
    services.request_reservation(driver=rival, wish=wish, now=clock.now())
    services.decide(lot_id=lot.pk, now=clock.now())
    driver = visit()
    log_in(driver, person.email)

    driver.go(f"/book/{lot.pk}?from={starts_at:%Y-%m-%dT%H:%MZ}&until={starts_at + hours(2):%Y-%m-%dT%H:%MZ}")
    driver.page.fill("[name=plate]", "粤B12345")
    driver.page.click(".booking button[type=submit]")
    expect_status(driver.page, "DECLINED")
    driver.page.click(".alternative button >> nth=0")

    expect_status(driver.page, "ACCEPTED")
    assert Reservation.objects.get(driver=person, status=Status.ACCEPTED).starts_at >= starts_at + hours(0.5)


def test_driver_lets_the_platform_choose_and_reads_why(visit):
    dear, cheap = make_lot_for_today(), make_lot_for_today(name="国贸停车场")
    Lot.objects.filter(pk=dear.pk).update(peak_rate_cents=9000)
    person = make_user()
    make_vehicle(person)
    driver = visit()
    log_in(driver, person.email)

    search(driver, "罗湖")
    driver.page.select_option("[name=radius]", "800")
    driver.page.click(".results__any button")
    driver.page.click(".booking button[type=submit]")

    expect_status(driver.page, "ACCEPTED", "ASSIGNED")
    expect(driver.page.locator("#area")).to_contain_text(cheap.name)
    expect(driver.page.locator("#area")).to_contain_text("800 m")
    assert Reservation.objects.get().lot == cheap


def test_booking_needs_no_mouse(visit):
    make_lot_for_today()
    person = make_user()
    make_vehicle(person)
    driver = visit()
    log_in(driver, person.email)
    page = driver.page

    tab_to(page, "[name=where]")
    page.keyboard.type("罗湖")
    tab_to(page, ".search-form button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#results .result")
    tab_to(page, ".result a.button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".booking")
    tab_to(page, ".booking > button[type=submit]")
    page.keyboard.press("Enter")

    page.wait_for_selector("#status")
    expect_status(page, "ASSIGNED")


def test_skip_link_comes_first_and_leads_to_the_content(visit):
    driver = visit()
    driver.go("/")

    driver.page.keyboard.press("Tab")
    expect(driver.page.locator(".skip-link")).to_be_focused()
    driver.page.keyboard.press("Enter")

    expect(driver.page.locator("#content")).to_be_focused()


def test_booking_needs_no_script(visit):
    make_lot_for_today()
    driver = visit(java_script_enabled=False)

    sign_up(driver, "13800138000")
    search(driver, "罗湖")
    book(driver, "粤B12345")

    expect_status(driver.page, "ACCEPTED", "ASSIGNED")
    driver.page.click("#status a[href$='/cancel']")
    driver.page.click(".button--no")
    expect_status(driver.page, "CANCELLED")


def test_page_reloads_itself_without_scripts_until_the_decision(visit, resting_worker):
    make_lot_for_today()
    driver = visit(java_script_enabled=False)
    sign_up(driver, "driver@example.org")
    search(driver, "罗湖")

    book(driver, "粤B12345")
    expect_status(driver.page, "REQUESTED")
    resting_worker()

    expect_status(driver.page, "ACCEPTED", "ASSIGNED")


def test_place_is_completed_while_it_is_typed(visit):
    make_lot_for_today(name="Garden Court")
    driver = visit()
    driver.go("/")

    driver.page.locator("[name=where]").press_sequentially("gard")

    expect(driver.page.locator("#places option[value='Garden Court']")).to_have_count(1)


def test_position_is_a_place_where_the_browser_gives_it(visit):
    make_lot_for_today()
    driver = visit(geolocation={"latitude": 22.5512, "longitude": 114.1123}, permissions=["geolocation"])
    driver.go("/")

    driver.page.click("[data-use-position]")

    driver.page.wait_for_selector("#results .result")
    assert "lat=22.551&lon=114.112" in driver.path


def test_language_is_switched_in_place_and_kept(visit):
    person = make_user(language="en")
    driver = visit(language="en")
    log_in(driver, person.email)
    driver.go("/vehicles")

    driver.page.click("#language button")

    expect(driver.page.locator("html")).to_have_attribute("lang", "zh-hans")
    assert driver.path == "/vehicles"
    person.refresh_from_db()
    assert person.language == "zh-hans"
