"""Both languages are complete, and no page mixes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from html import unescape

import polib
import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import translation

from parking_share import clock
from parking_share.accounts.models import User
from parking_share.notices.models import Notice
from parking_share.notices.services import mail_notices
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import District, Lot, Role, Space
from parking_share.web.templatetags.supply import weekday_names
from parking_share.web.templatetags.web import day
from scripts import translations
from tests.factories import NOW, grant, hours, make_lot, make_space, make_user, make_vehicle, make_window, share_weekly
from tests.interface.pages import booking_data, client_of, make_reservation, text_of

LANGUAGES = ["en", "zh-hans"]
CHINESE = r"\u3000-\u303f\u4e00-\u9fff\uff00-\uffef"
PLACES = {  # what people wrote themselves, in the page's language
    "en": {"city": "Shenzhen", "district": "Luohu", "lot": "Elm Court", "office": "Elm Tower", "person": "Wei"},
    "zh-hans": {"city": "深圳", "district": "罗湖", "lot": "榆树苑", "office": "榆树大厦", "person": "小魏"},
}
# Words of Latin letters that belong on a Chinese page: the site's name, a format, a time zone, a way to write plates.
FOREIGN_WORDS = {"Parking", "Share", "CSV", "Asia", "Shanghai"}


def entries() -> list[polib.POEntry]:
    return [entry for catalogue in translations.catalogues() for entry in polib.pofile(str(catalogue))]


def texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def marks(text: str) -> set[str]:
    """What a translation must carry over as it is: placeholders and tags."""
    return set(re.findall(r"%\(\w+\)[.\d]*[a-z]|%[sd]|</?\w[^>]*>", text))


def test_every_marked_string_is_translated_and_no_other():
    assert translations.check() == 0


def test_catalogue_keeps_nothing_doubtful_or_old():
    assert [entry.msgid for entry in entries() if entry.fuzzy or entry.obsolete] == []


def test_translations_carry_the_placeholders_of_their_source():
    strays = {
        entry.msgid: text for entry in entries() for text in texts(entry)
        if marks(text) != marks(entry.msgid) | marks(entry.msgid_plural or "")
    }  # fmt: skip

    assert strays == {}


def test_chinese_is_punctuated_as_chinese():
    """Full-width marks after Chinese, no space behind them, none between characters; a date's parts stand apart."""
    wrong = r"[\u4e00-\u9fff][,.;:!?]|[，。；：！？、] |[\u4e00-\u9fff] [\u4e00-\u9fff]"
    strays = [text for entry in entries() for text in texts(entry) if entry.msgid != "D j M" and re.search(wrong, text)]

    assert strays == []


@dataclass(frozen=True)
class Scene:
    """One of everything that the pages show, written in one language."""

    driver: User
    owner: User
    manager: User
    staff: User
    lot: Lot
    space: Space
    reservations: dict[str, Reservation]

    def addresses(self) -> Iterator[tuple[User | None, str]]:
        """Every page with somebody who may see it; None is a visitor."""
        period = "from=2026-11-23T00:00Z&until=2026-11-23T02:00Z"
        search = f"{reverse('web:search')}?where={self.lot.name}&{period}"
        for name in ("web:landing", "account_login", "account_signup", "account_reset_password"):
            yield None, reverse(name)
        yield from ((None, address) for address in (search, f"{search}&charger=on&accessible=on", "/nothing"))
        for name in ("reservations", "vehicles", "notices"):
            yield self.driver, reverse(f"web:{name}")
        for name in ("account_email", "account_change_password", "account_logout"):
            yield self.driver, reverse(name)
        yield self.driver, f"{reverse('web:book', args=[self.lot.pk])}?{period}"
        for reservation in self.reservations.values():
            yield self.driver, reverse("web:reservation", args=[reservation.pk])
        yield self.driver, reverse("web:cancel", args=[self.reservations["ACCEPTED"].pk])
        yield self.driver, reverse("web:alternatives", args=[self.reservations["DECLINED"].pk])
        yield from ((self.owner, address) for address in self._addresses_of_the_owner())
        yield self.manager, reverse("web:manager_lots")
        for name in ("manager_lot", "manager_bays", "manager_limits", "manager_residents"):
            yield self.manager, reverse(f"web:{name}", args=[self.lot.pk])
        yield self.staff, reverse("web:city")
        yield self.staff, reverse("web:city_lots")
        yield self.staff, reverse("web:city_policy", args=[self.lot.pk])

    def _addresses_of_the_owner(self) -> Iterator[str]:
        yield reverse("web:owner_spaces")
        yield reverse("web:owner_register")
        yield f"{reverse('web:owner_register')}?lot={self.lot.pk}"
        for name in ("owner_space", "owner_hours"):
            yield reverse(f"web:{name}", args=[self.space.pk])
        yield reverse("web:owner_withdraw", args=[self.space.rules.get().pk])

    def bad_forms(self) -> Iterator[tuple[User | None, str, dict[str, str]]]:
        """What is answered with complaints."""
        yield None, reverse("account_login"), {"login": "nobody@example.org", "password": "wrong"}
        yield None, reverse("account_signup"), {"login": "nonsense", "password1": "1"}
        yield self.driver, reverse("web:vehicles"), {"plate": "?"}
        yield self.driver, reverse("web:book", args=[self.lot.pk]), booking_data()
        yield self.owner, f"{reverse('web:owner_register')}?lot={self.lot.pk}", {"return_margin_min": "900"}
        yield self.owner, reverse("web:owner_hours", args=[self.space.pk]), {"starts_at_local": "nonsense"}
        yield self.manager, reverse("web:manager_limits", args=[self.lot.pk]), {"min_stay_min": "-1"}
        yield self.manager, reverse("web:manager_residents", args=[self.lot.pk]), {"login": "nobody@example.org"}
        yield self.staff, reverse("web:city_policy", args=[self.lot.pk]), {"threshold": "-1"}


def make_scene(language: str) -> Scene:
    words = PLACES[language]
    district = District.objects.create(city=words["city"], name=words["district"])
    person = {"language": language, "display_name": words["person"]}
    lot = make_lot(name=words["lot"], district=district)
    full = make_lot(name=words["office"], district=district)
    scene = Scene(
        driver=make_user(**person), owner=make_user(**person), manager=make_user(**person), staff=make_user(**person),
        lot=lot, space=make_space(lot, label="1", return_margin_min=15), reservations={},
    )  # fmt: skip
    Space.objects.filter(pk=scene.space.pk).update(owner=scene.owner)
    make_space(lot, label="2", owner=scene.owner, standing=Space.Standing.PENDING)
    grant(scene.manager, Role.MANAGER, lot=lot)
    grant(scene.staff, Role.CITY_STAFF, district=district)
    make_window(make_space(lot, label="3"), NOW, NOW + hours(40))
    share_weekly(scene.space, starts_at=time(8, 30), ends_at=time(18), weekdays=range(1, 6))
    make_vehicle(scene.driver, "12345", height_cm=170)
    accepted, declined = _book(scene.driver, lot, 1), _book(scene.driver, full, 20)
    requested = _book(scene.driver, lot, 30, is_decided=False)
    assert (accepted.status, declined.status) == (Status.ACCEPTED, Status.DECLINED)
    scene.reservations.update(ACCEPTED=accepted, DECLINED=declined, REQUESTED=requested)
    Notice.objects.create(recipient=scene.driver, event=accepted.events.latest("pk"), created_at=NOW)
    return scene


def _book(driver: User, lot: Lot, starts_in_h: float, *, is_decided: bool = True) -> Reservation:
    return make_reservation(driver, lot, starts_at=NOW + hours(starts_in_h), is_decided=is_decided)


def shown(page: str) -> str:
    """The words of a page between its header and its footer, without addresses and what is written in code."""
    main = re.search(r"<main.*?</main>", page, re.DOTALL)
    text = unescape(re.sub(r"<[^>]+>", " ", main.group() if main else page))
    return re.sub(r"\S+@\S+", " ", text)


def strange_words(text: str, language: str) -> set[str]:
    """The words of the other language; and you, where Chinese is less polite than our 您."""
    if language == "en":
        return set(re.findall(rf"[{CHINESE}]+", text)) - {"粤"}
    return set(re.findall(r"[A-Za-z]{2,}|你", text)) - FOREIGN_WORDS


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_speak_one_language(monkeypatch, language):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    scene = make_scene(language)

    strays = {}
    for person, address in scene.addresses():
        page = _client(person, language).get(address)
        assert page.status_code == (404 if address == "/nothing" else 200), address
        strays[address] = strange_words(shown(page.content.decode()), language)

    assert {address: words for address, words in strays.items() if words} == {}


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_complaints_speak_one_language(monkeypatch, language):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    scene = make_scene(language)

    strays = {}
    for person, address, data in scene.bad_forms():
        page = _client(person, language).post(address, data)
        assert "error" in page.content.decode() or 'role="alert"' in page.content.decode(), address
        strays[address] = strange_words(shown(page.content.decode()), language)

    assert {address: words for address, words in strays.items() if words} == {}


def _client(person: User | None, language: str) -> Client:
    client = client_of(person) if person else Client()
    client.cookies["django_language"] = language
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "other"), [("en", "简体中文"), ("zh-hans", "English")])
def test_switch_calls_the_other_language_by_its_own_name(client, language, other):
    client.cookies["django_language"] = language

    page = client.get("/").content.decode()

    assert re.findall(r'name="language"[^>]*>([^<]*)<', page) == [other]


@pytest.mark.parametrize(
    ("language", "date", "weekdays", "all_week"),
    [("en", "Mon 23 Nov", "Tue, Thu", "every day"), ("zh-hans", "11月23日 周一", "周二、周四", "每天")],
)
def test_days_are_written_as_the_language_does(language, date, weekdays, all_week):
    with translation.override(language):
        assert (day(NOW), weekday_names([4, 2]), weekday_names(range(1, 8))) == (date, weekdays, all_week)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "why", "refusal"),
    [
        ("en", "No bay is free for the whole period.", "The start lies in the past."),
        ("zh-hans", "该时段没有全程空闲的车位。", "开始时间已过"),
    ],
)
def test_reasons_and_refusals_are_told_in_the_language_of_the_reader(monkeypatch, language, why, refusal):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    driver, lot = make_user(language=language), make_lot()
    declined = make_reservation(driver, lot)
    client = client_of(driver)
    past = booking_data(make_vehicle(driver), **{"from": "2026-11-22T00:00Z", "until": "2026-11-22T02:00Z"})

    assert declined.reason == Reason.NO_FREE_SPACE
    assert why in text_of(client.get(reverse("web:reservation", args=[declined.pk])))
    assert refusal in text_of(client.post(reverse("web:book", args=[lot.pk]), past))


@pytest.mark.django_db
def test_problems_of_the_api_are_told_in_the_language_that_is_asked_for(client):
    told = {
        language: client.get("/api/v1/reservations", headers={"Accept-Language": language}).json()["detail"]
        for language in LANGUAGES
    }

    assert strange_words(told["en"], "en") == set() != strange_words(told["zh-hans"], "en")


@pytest.mark.django_db
def test_mail_is_written_in_the_language_of_its_recipient():
    event = make_reservation(make_user(), make_lot(name="Elm Court")).events.latest("pk")
    for language in LANGUAGES:
        reader = make_user(email=f"{language}@example.org", language=language)
        Notice.objects.create(recipient=reader, event=event, created_at=NOW)

    with translation.override("en"):
        assert mail_notices(now=NOW) == len(LANGUAGES)

    sent = {letter.to[0]: (letter.subject, letter.body.splitlines()[0]) for letter in mail.outbox}
    assert sent == {
        "en@example.org": ("Elm Court: declined", "No bay is free for the whole period."),
        "zh-hans@example.org": ("Elm Court：未约上", "该时段没有全程空闲的车位。"),
    }
