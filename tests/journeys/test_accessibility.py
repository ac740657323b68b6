"""Every page under axe-core in both languages, narrow and wide, light and dark; nothing sticks out of the window."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from django.urls import reverse

from allocation import services
from allocation.areas import Area, AreaWish, decide_area, request_in_area
from parking_share import clock
from parking_share.notices.services import write_notices
from parking_share.reservations.services import Wish
from parking_share.spaces.models import Role
from tests.factories import grant, make_space, make_user, make_vehicle, share_weekly
from tests.journeys.steps import log_in, make_lot_for_today

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""
TOO_SMALL = """() => [...document.querySelectorAll("main :is(button, a[role=button], input, select), header a")]
  .filter((one) => one.type !== "hidden" && one.checkVisibility())
  .filter((one) => (one.closest("label") ?? one).getBoundingClientRect().height < 43.5)
  .map((one) => one.outerHTML.slice(0, 120))"""
PUBLIC = [
    "/",
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/search?where=罗湖",
    "/search?where=x",
]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_public_pages_are_accessible(visit, language, width, scheme):
    make_lot_for_today(name="东门老街公共停车场（人民北路与解放路交叉口西南侧）", spaces=2)
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)

    assert {path: faults_of(visitor, path) for path in PUBLIC} == {path: [] for path in PUBLIC}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_personal_pages_are_accessible(visit, language, width, scheme):
    driver = make_user(language=language)
    pages = personal_pages(driver)
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    log_in(visitor, driver.email)

    assert {path: faults_of(visitor, path) for path in pages} == {path: [] for path in pages}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_pages_of_owners_managers_and_the_city_are_accessible(visit, language, width, scheme):
    operator = make_user(language=language)
    grant(operator, Role.OPERATOR)
    lot = make_lot_for_today(spaces=2)
    bay = make_space(lot, owner=operator)
    share_weekly(bay, starts_at=time(8, 30), ends_at=time(18), now=clock.now())
    pages = [
        *map(reverse, ["web:owner_spaces", "web:owner_register", "web:manager_lots", "web:city", "web:city_lots"]),
        *(reverse(f"web:{name}", args=[bay.pk]) for name in ["owner_space", "owner_hours"]),
        *(reverse(f"web:{name}", args=[lot.pk]) for name in ["manager_lot", "manager_bays", "manager_residents"]),
        *(reverse(f"web:{name}", args=[lot.pk]) for name in ["lot_decisions", "city_policy", "city_learnt"]),
        *(reverse("web:lot_decision", args=[lot.pk, row.pk]) for row in _decided(operator, lot)),
    ]
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    log_in(visitor, operator.email)

    assert {path: faults_of(visitor, path) for path in pages} == {path: [] for path in pages}


def _decided(driver, lot):
    """One accepted, one declined: there are two bays, and three want one."""
    now = clock.now()
    made = [_ask(driver, lot, now + timedelta(hours=6), now=now) for _ in range(3)]
    services.decide(lot_id=lot.pk, now=now)
    return made[:1] + made[2:]


def personal_pages(driver):
    """All pages of a driver who has every kind of reservation."""
    lot = make_lot_for_today(spaces=2)
    now = clock.now()
    made = [
        _ask(driver, lot, now + timedelta(hours=shift), now=now) for shift in (0.1, 6, 6, 6)
    ]  # one is announced, two accepted, one declined
    services.decide(lot_id=lot.pk, now=now)
    services.assign_arrivals(lot_id=lot.pk, now=now)
    write_notices(now=now)
    waiting = _ask(driver, lot, now + timedelta(hours=12), now=now - timedelta(hours=1))
    period = f"from={now + timedelta(hours=24):%Y-%m-%dT%H:%MZ}&until={now + timedelta(hours=26):%Y-%m-%dT%H:%MZ}"
    lists = ["web:reservations", "web:vehicles", "web:notices", "account_email", "account_change_password"]
    return [
        *map(reverse, [*lists, "account_logout"]),
        f"{reverse('web:book', args=[lot.pk])}?{period}",
        f"{reverse('web:book_nearby')}?lat={lot.latitude}&lon={lot.longitude}&radius=400&where=罗湖&{period}",
        reverse("web:reservation", args=[_chosen(driver, lot, now=now).pk]),
        *(reverse("web:reservation", args=[row.pk]) for row in [*made, waiting]),
        reverse("web:cancel", args=[made[0].pk]),
        reverse("web:alternatives", args=[made[3].pk]),
    ]


def _chosen(driver, lot, *, now):
    """A reservation for which the platform chose between two lots."""
    make_lot_for_today(name="国贸停车场")
    area = Area(latitude=lot.latitude, longitude=lot.longitude, radius_m=400)
    starts_at = now + timedelta(hours=20)
    wish = AreaWish(
        area=area, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=starts_at + timedelta(hours=2)
    )
    asked = request_in_area(driver=driver, wish=wish, now=now)
    decide_area(reservation_id=asked.pk, now=now)
    return asked


def faults_of(visitor, path):
    """Serious faults that axe finds, controls too small to tap, and pixels that stick out to the right."""
    visitor.go(path)
    visitor.page.evaluate(AXE.read_text())
    faults = list(visitor.page.evaluate(SERIOUS))
    faults += [f"too small: {one}" for one in visitor.page.evaluate(TOO_SMALL)]
    too_wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return faults + ([f"{too_wide} px too wide"] if too_wide > 0 else [])


def _ask(driver, lot, starts_at, *, now):
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    return services.request_reservation(driver=driver, wish=wish, now=now)
