import pytest
from django.urls import reverse

from parking_share import clock
from parking_share.spaces.models import District
from parking_share.web import places
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_space, make_user
from tests.interface.pages import MOST_QUERIES, client_of, make_reservation, queries_of, text_of

pytestmark = pytest.mark.django_db
PERIOD = {"from": "2026-11-23T08:00", "until": "2026-11-23T10:00"}
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def clock_stands_still(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def visitor(client):
    client.cookies["django_language"] = "en"
    return client


def search(client, **fields):
    return client.get(reverse("web:search"), PERIOD | fields)


def test_landing_offers_the_next_quarter_of_an_hour_and_two_hours(visitor):
    make_lot()

    page = visitor.get("/").content.decode()

    assert 'value="2026-11-23T08:15"' in page
    assert 'value="2026-11-23T10:15"' in page
    assert '<option value="深圳 罗湖">' in page


@pytest.mark.parametrize("where", ["深圳 罗湖", "罗湖"])
def test_district_is_a_place(visitor, where):
    lot = make_shared_lot()

    page = search(visitor, where=where)

    assert [result.lot for result in page.context["page_obj"]] == [lot]
    assert "Around 深圳 罗湖" in text_of(page)


def test_lot_that_fits_best_is_the_place_and_the_others_are_offered():
    for name in ["Garden North", "Old Garden", "Garden"]:
        make_lot(name=name)

    found = places.find_place("garden")

    assert (found.name, found.others) == ("Garden", ["Garden North", "Old Garden"])


def test_unknown_place_is_answered_beside_its_field(visitor):
    page = search(visitor, where="Atlantis")

    assert page.context["form"].errors == {
        "where": ["No place here is called “Atlantis”. Try a district, a street or the name of a car park."]
    }


def test_position_is_a_place_in_the_zone_of_the_lots_around(visitor):
    make_shared_lot(time_zone="Asia/Tokyo")

    page = search(visitor, lat="22.55", lon="114.11", **{"from": "2026-11-23T09:00"})

    assert page.context["question"].starts_at == NOW


def test_period_is_read_in_the_zone_of_the_place(visitor):
    make_shared_lot()

    assert search(visitor, where="罗湖").context["question"].starts_at == NOW


def test_instants_of_a_link_become_local_times_in_the_form(visitor):
    make_shared_lot()

    page = visitor.get(
        reverse("web:search"), {"where": "罗湖", "from": "2026-11-23T00:00Z", "until": "2026-11-23T02:00Z"}
    )

    assert 'value="2026-11-23T08:00"' in page.content.decode()


@pytest.mark.parametrize(
    ("period", "errors"),
    [
        ({"until": "2026-11-23T08:00"}, {"until": ["The end must lie after the start."]}),
        ({"from": "2026-11-22T08:00"}, {"from": ["The start lies in the past. Choose a start from now on."]}),
        ({"from": "soon"}, {"from": ["Choose a date and a time."]}),
        ({"from": "2026-02-30T08:00"}, {"from": ["Choose a date and a time."]}),
        ({"until": "2099-11-23T08:00"}, {"until": ["Choose a period of at most 31 days."]}),
    ],
    ids=["order", "past", "words", "no such day", "endless"],
)
def test_period_without_sense_is_answered_beside_its_field(visitor, period, errors):
    make_shared_lot()

    assert search(visitor, where="罗湖", **period).context["form"].errors == errors


def test_every_lot_says_what_is_left_or_why_nothing_is(visitor):
    make_shared_lot(name="Roomy", spaces=3)
    taken = make_shared_lot(name="Taken", spaces=1)
    make_reservation(make_user(), taken)
    make_space(make_lot(name="Private"))
    make_shared_lot(name="Shut", is_open=False)

    words = text_of(search(visitor, where="罗湖"))

    assert "3 of 3 bays free" in words
    assert "all taken The one bay shared then is taken for at least a part of it." in words
    assert "not shared then No bay is shared for the whole of this period." in words
    assert "closed This lot takes no reservations at present." in words


def test_free_means_free_for_the_whole_period(visitor):
    lot = make_shared_lot(spaces=2)
    make_reservation(make_user(), lot, starts_at=NOW + hours(1.5), length_h=0.5)

    assert "1 of 2 bays free" in text_of(search(visitor, where="罗湖"))


def test_price_is_that_of_the_whole_period(visitor):
    make_shared_lot(peak_rate_cents=1000)

    (result,) = search(visitor, where="罗湖").context["page_obj"]
    (longer,) = search(visitor, where="罗湖", until="2026-11-23T12:00").context["page_obj"]

    assert result.offer.price_cents > 0
    assert longer.offer.price_cents > result.offer.price_cents


@pytest.mark.parametrize(
    ("order", "names"), [("near", ["Near", "Far"]), ("price", ["Far", "Near"]), ("free", ["Far", "Near"])]
)
def test_results_come_in_the_wanted_order_with_full_lots_last(visitor, order, names):
    make_shared_lot(name="Near", latitude=22.55, peak_rate_cents=900)
    make_shared_lot(name="Far", latitude=22.56, peak_rate_cents=300, spaces=2)
    make_lot(name="Nothing", latitude=22.55)

    page = search(visitor, lat="22.55", lon="114.11", order=order)

    assert [result.lot.name for result in page.context["page_obj"]] == [*names, "Nothing"]


def test_results_come_in_pages_that_keep_the_search(visitor):
    for _ in range(21):
        make_shared_lot()

    first, second = search(visitor, where="罗湖"), search(visitor, where="罗湖", page="2")

    assert (len(first.context["page_obj"]), len(second.context["page_obj"])) == (20, 1)
    assert "page=2" in first.content.decode()
    assert "Page 2 of 2" in text_of(second)


def test_nothing_within_reach_is_said(visitor):
    make_lot(name="Here")

    assert "There is no car park within three kilometres." in text_of(search(visitor, lat="0", lon="0"))


def test_htmx_gets_the_list_alone(visitor):
    make_shared_lot()

    fragment = visitor.get(reverse("web:search"), PERIOD | {"where": "罗湖"}, headers={"HX-Request": "true"})

    assert fragment.content.decode().strip().startswith('<section id="results"')
    assert "HX-Request" in fragment.headers["Vary"]


@pytest.mark.parametrize("lots", [1, 3])
def test_search_needs_few_queries_whatever_the_number_of_lots(lots):
    for _ in range(lots):
        make_shared_lot(spaces=2)

    client = client_of(make_user())
    count = queries_of(client, f"{reverse('web:search')}?where=罗湖&from=2026-11-23T08:00&until=2026-11-23T10:00")

    assert count == MOST_QUERIES - 2


def test_suggestions_complete_what_was_typed(visitor):
    make_lot(name="Luohu Garden")
    District.objects.create(city="深圳", name="空")

    assert places.suggestions("luohu") == ["Luohu Garden"]
    assert places.suggestions("罗") == ["深圳 罗湖"]
    assert "Luohu Garden" in visitor.get(reverse("web:suggest"), {"where": "luohu"}).content.decode()


def test_suggestions_survive_what_no_database_stores(visitor):
    make_lot(name="Luohu Garden")

    assert "Luohu Garden" in visitor.get(reverse("web:suggest"), {"where": "Lu\x00ohu"}).content.decode()


def test_typed_text_is_shown_as_text(visitor):
    page = search(visitor, where='"><script>alert(1)</script>')

    assert "<script>alert" not in page.content.decode()
