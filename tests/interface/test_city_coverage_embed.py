"""The public map: of cities that are public, in frames of named sites, and with nothing in it that is not public."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from coverage.models import CoverageSettings
from parking_share.base_maps import embedding_origins
from tests.coverage_city import CITY, SLOT, make_picture, make_public_lots
from tests.factories import NOW
from tests.interface.pages import at, text_of

pytestmark = pytest.mark.django_db

URL, DRAWING = (reverse(f"web:{name}", args=[CITY]) for name in ("embed_coverage", "embed_coverage_drawing"))


@pytest.fixture(autouse=True)
def now(monkeypatch):
    cache.clear()
    with at(monkeypatch, NOW + SLOT + timedelta(minutes=3)):
        yield


@pytest.fixture
def client():
    return Client(headers={"Accept-Language": "en"})


@pytest.fixture
def public():
    return CoverageSettings.objects.create(city=CITY, is_public=True)


@pytest.fixture
def lots():
    return make_public_lots(name="A name that nobody outside reads")


def policy_of(response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in response.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _space, value in parts}


def test_a_city_is_public_only_where_a_row_says_so(client, lots):
    make_picture()
    CoverageSettings.objects.create(city=CITY)

    assert client.get(URL).status_code == client.get(DRAWING).status_code == 404
    assert client.get(reverse("web:embed_coverage", args=["elsewhere"])).status_code == 404


def test_named_sites_may_frame_it_and_nobody_else(client, public, lots, settings):
    make_picture()
    settings.EMBED_ORIGINS = ["https://city.example.org", "https://news.example.org"]

    response = client.get(URL)

    assert policy_of(response)["frame-ancestors"] == "https://city.example.org https://news.example.org"
    assert policy_of(response)["default-src"] == "'none'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in response.headers


def test_without_named_sites_nobody_may_frame_it(client, public, lots, settings):
    settings.EMBED_ORIGINS = []

    assert policy_of(client.get(URL))["frame-ancestors"] == "'none'"


def test_every_other_page_refuses_to_be_framed(client, public, lots, settings):
    make_picture()
    settings.EMBED_ORIGINS = ["https://city.example.org"]

    for address in (DRAWING, reverse("web:landing"), reverse("account_login"), reverse("web:search")):
        response = client.get(address)
        assert policy_of(response)["frame-ancestors"] == "'none'"
        assert response.headers["X-Frame-Options"] == "DENY"


def test_it_tells_areas_time_and_colours_and_no_name_or_number_of_bays(client, public, lots):
    make_picture(**{f"lot{lots[0].pk}": 13})

    page, drawing = client.get(URL), client.get(DRAWING)

    assert "深圳 , 2026-11-23 08:15" in text_of(page)
    assert drawing.headers["Content-Type"] == "image/svg+xml"
    assert drawing.content.count(b"<path") >= 1
    for told in (page, drawing):
        assert lots[0].name not in told.content.decode()
        assert not told.cookies


def test_it_says_when_it_is_old(client, public, lots):
    make_picture(NOW - 6 * SLOT)

    assert "93 minutes old" in text_of(client.get(URL))


def test_a_drawing_is_made_once_and_not_sent_twice(client, public, lots, django_assert_max_num_queries):
    make_picture()
    first = client.get(DRAWING)

    with django_assert_max_num_queries(4):
        assert client.get(DRAWING).content == first.content
    assert client.get(DRAWING, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_without_a_picture_it_says_so(client, public):
    assert "There is no picture" in text_of(client.get(URL))
    assert client.get(DRAWING).status_code == 404


def test_every_class_has_a_colour_and_no_script_is_inline(client, public, lots):
    make_picture()

    html = client.get(URL).content.decode()

    assert re.search(r"<script(?![^>]*\bsrc=)", html) is None
    assert html.count("<rect") == len(client.get(URL).context["legend"])


@pytest.mark.parametrize("origin", ["*", "example.org", "https://example.org/page", "https://a b", "'self'"])
def test_sites_are_named_as_origins(origin):
    with pytest.raises(ImproperlyConfigured, match="EMBED_ORIGINS"):
        embedding_origins([origin])


def test_origins_are_kept_as_they_are():
    assert embedding_origins(["https://www.example.org", "http://localhost:8000"]) == [
        "https://www.example.org",
        "http://localhost:8000",
    ]
