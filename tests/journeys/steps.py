"""What people do on the pages, in words that fit both languages."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from parking_share import clock
from parking_share.spaces.models import Lot, Space
from tests.factories import PASSWORD, make_lot, make_space, make_window
from tests.journeys.conftest import Visit

SEND = "main form button[type=submit]"


def make_lot_for_today(*, spaces: int = 1, name: str = "东门老街公共停车场") -> Lot:
    """A lot whose bays are shared from yesterday until the day after tomorrow."""
    lot = make_lot(name=name, address="人民北路 2 号")
    lot.gates.create(name="东门", latitude=lot.latitude, longitude=lot.longitude)
    for _ in range(spaces):
        make_window(make_space(lot), clock.now() - timedelta(days=1), clock.now() + timedelta(days=2))
    return lot


def sign_up(visit: Visit, contact: str) -> None:
    visit.go("/account/signup/")
    visit.page.fill("[name=contact]", contact)
    visit.page.fill("[name=password1]", PASSWORD)
    visit.page.click(SEND)
    visit.page.wait_for_url(visit.site.address + "/")


def log_in(visit: Visit, login: str) -> None:
    visit.go("/account/login/")
    visit.page.fill("[name=login]", login)
    visit.page.fill("[name=password]", PASSWORD)
    visit.page.click(SEND)
    visit.page.wait_for_url(visit.site.address + "/")


def publish_all_hours(visit: Visit, bay: Space) -> None:
    """Share a bay round the clock, every day, through the owner's pages."""
    visit.go("/owner/spaces")
    visit.page.click(f"main a[href='/owner/spaces/{bay.pk}']")
    visit.page.click(f"main a[href='/owner/spaces/{bay.pk}/hours']")
    for weekday in range(1, 8):
        visit.page.check(f"[name=weekdays][value='{weekday}']")
    visit.page.fill("[name=starts_at_local]", "00:00")
    visit.page.fill("[name=ends_at_local]", "00:00")
    visit.page.click(SEND)
    visit.page.click("[name=publish]")
    visit.page.wait_for_url(f"**/owner/spaces/{bay.pk}")


def search(visit: Visit, place: str) -> None:
    visit.go("/")
    visit.page.fill("[name=where]", place)
    visit.page.click(".search-form button[type=submit]")
    visit.page.wait_for_selector("#results .result")


def book(visit: Visit, plate: str) -> None:
    visit.page.click(".result a.button")
    visit.page.fill("[name=plate]", plate)
    visit.page.click(".booking button[type=submit]")
    visit.page.wait_for_selector("#status")


def expect_status(page: Page, *statuses: str) -> None:
    expect(page.locator(", ".join(f"#status[data-status={status}]" for status in statuses))).to_be_visible()


def tab_to(page: Page, selector: str, *, most: int = 60) -> None:
    """Reach an element by the Tab key alone; wherever the focus is on the way, it can be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """(selector) => { const at = document.activeElement; const look = getComputedStyle(at);
                return [at.matches(selector), look.outlineStyle !== "none" || at === document.body, at.outerHTML]; }""",
            selector,
        )
        assert focused[1], f"the focus can't be seen on {focused[2][:200]}"
        if focused[0]:
            return
    raise AssertionError(f"{selector} can't be reached by the Tab key")
