"""A real browser on a real site. `CHROME` names the browser; only SKIP_BROWSER=1 leaves these tests out."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.live import LiveSite, live_site

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
QUIET = ["--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SLOW_GRAPHICS = "GPU stall due to ReadPixels"  # said where no graphics card shows a canvas, whatever the page does
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/journeys/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if os.environ.get("SKIP_BROWSER") == "1":
        pytest.skip("SKIP_BROWSER=1 leaves out the tests that need a browser.")
    with sync_playwright() as playwright, _queries_beside_the_browser():
        found = os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        if found is None and not os.path.exists(playwright.chromium.executable_path):  # noqa: PTH110 -- a str
            pytest.fail("No browser: install chromium, name one in CHROME, or set SKIP_BROWSER=1.")
        browser = playwright.chromium.launch(executable_path=found, args=QUIET + sandbox)
        yield browser
        browser.close()


@contextmanager
def _queries_beside_the_browser() -> Iterator[None]:
    """Playwright runs an event loop in this thread; Django would refuse to query from it."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture(scope="session")
def site(browser: Browser, django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveSite]:
    with django_db_blocker.unblock(), live_site(web_threads=8) as site:
        yield site


@dataclass
class Visit:
    """One visitor's browser window, and what it complained about."""

    page: Page
    site: LiveSite
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.site.address + path)

    def listen(self, told: ConsoleMessage) -> None:
        if told.type in {"error", "warning"} and SLOW_GRAPHICS not in told.text:
            self.complaints.append(told.text)

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.site.address)


@pytest.fixture
def visit(browser: Browser, site: LiveSite) -> Iterator[Callable[..., Visit]]:
    """Open windows; at the end none of them may have an error in its console."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_window(*, language: str = "en", width: int = 1280, **options: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        context.set_default_timeout(20_000)
        context.add_init_script(TELL_VIOLATIONS)
        context.add_cookies([{"name": "django_language", "value": language, "url": site.address}])
        visit = Visit(context.new_page(), site)
        visit.page.on("console", visit.listen)
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visits.append(visit)
        return visit

    yield open_window
    for context in contexts:
        context.close()
    assert [visit.complaints for visit in visits] == [[] for _ in visits]


@pytest.fixture
def resting_worker(site: LiveSite) -> Iterator[Callable[[], None]]:
    """The worker is stopped in its tracks until the returned function is called."""
    group = site.processes["worker"].popen.pid
    os.killpg(group, signal.SIGSTOP)
    yield lambda: os.killpg(group, signal.SIGCONT)
    os.killpg(group, signal.SIGCONT)
