"""What if: changes in the address, answers with and without scripts, and nothing kept unless it is named."""

import csv
from datetime import timedelta
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.urls import reverse

from coverage import reports, scenarios, tasks
from coverage.changes import read_changes
from coverage.models import CoverageRun, Scenario
from coverage.selectors import newest_picture
from parking_share.spaces.models import District, LandUse, Lot, Role
from tests.coverage_city import CITY, SLOT, make_picture, make_public_lots
from tests.factories import NOW, grant, hours, make_lot, make_user
from tests.interface.pages import at, client_of, queries_of, text_of

pytestmark = pytest.mark.django_db

URL = reverse("web:city_whatif")
LATER = NOW + SLOT + timedelta(minutes=3)


@pytest.fixture(autouse=True)
def nothing_is_kept_between_tests():
    cache.clear()


@pytest.fixture
def district() -> District:
    return District.objects.create(city=CITY, name="福田")


@pytest.fixture
def lots(district) -> list[Lot]:
    lots = make_public_lots(district)
    make_picture()
    return lots


@pytest.fixture
def planner(district):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    return user


@pytest.fixture
def staff(planner, monkeypatch):
    with at(monkeypatch, LATER):
        yield client_of(planner)


def asked(staff, kind: str, texts=(), **fields: str):
    """What a form sends: the changes so far, its kind and its fields."""
    return staff.get(
        URL, {"c": list(texts), "kind": kind} | {f"{kind}-{name}": value for name, value in fields.items()}
    )


def changes_in(response) -> list[str]:
    assert response.status_code == 302, text_of(response)
    return parse_qs(urlsplit(response.headers["Location"]).query)["c"]


def test_the_page_offers_every_kind_of_change(staff, lots):
    response = staff.get(URL)

    page = text_of(response)
    assert "No change yet." in page
    for title in ("Let a compound share", "Add a lot", "Move a lot", "Close a lot", "Resize a lot"):
        assert title in page
    assert f'<option value="{lots[0].name}">' in response.content.decode()


def test_forms_write_changes_into_the_address(staff, lots, district):
    name = lots[2].name

    assert changes_in(asked(staff, "close", lot=name)) == [f"close:{lots[2].pk}"]
    assert changes_in(asked(staff, "resize", lot=f"#{lots[2].pk}", bays="90")) == [f"resize:{lots[2].pk}:90"]
    assert changes_in(asked(staff, "share", lot=name, percent="40")) == [f"share:{lots[2].pk}:40"]
    moved = asked(staff, "move", lot=name, place="22.5500, 114.1000", datum="wgs84")
    assert changes_in(moved) == [f"move:{lots[2].pk}:22.550000,114.100000"]
    added = asked(
        staff, "add", name="New", place="22.55 114.1", datum="wgs84", bays="80", fee="5", access="PUBLIC", percent="30"
    )
    assert changes_in(added) == ["add:22.550000,114.100000:80:500:PUBLIC:30:New"]
    all_share = asked(staff, "share-all", ["close:1"], district=str(district.pk), percent="20")
    assert changes_in(all_share) == ["close:1", f"share-all:{district.pk}:20"]


def test_a_place_from_a_chinese_map_is_converted(staff, lots):
    moved = asked(staff, "move", lot=lots[2].name, place="22.5500, 114.1000", datum="bd09")

    latitude, longitude = (float(part) for part in changes_in(moved)[0].split(":")[2].split(","))
    assert 0.001 < abs(latitude - 22.55) < 0.01
    assert 0.005 < abs(longitude - 114.1) < 0.02


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("close", {"lot": "nowhere"}, "None of your lots with bays has this name."),
        ("close", {"lot": "#424242"}, "None of your lots with bays has this number."),
        ("close", {"lot": "Lot"}, "Several lots have this name"),
        ("move", {"lot": "#1", "place": "here", "datum": "wgs84"}, "latitude and longitude in degrees"),
        ("resize", {"lot": "#1", "bays": "0"}, "greater than or equal to 1"),
        ("share", {"lot": "#1", "percent": "150"}, "less than or equal to 100"),
    ],
)
def test_a_wrong_field_is_said_beside_it_and_its_form_stays_open(staff, lots, kind, fields, said):
    if fields["lot"] == "#1":
        fields = fields | {"lot": f"#{lots[0].pk}"}

    response = asked(staff, kind, **fields)

    assert response.status_code == 200
    assert said in text_of(response)
    assert response.content.decode().count('<details class="card change" open>') == 1


def test_the_answer_is_there_without_scripts(staff, lots):
    response = staff.get(URL, {"c": [f"resize:{lots[0].pk}:200", f"close:{lots[1].pk}"]})

    page, html = text_of(response), response.content.decode()
    assert f"Give “{lots[0].name}” 200 bays." in page
    assert "2 lots change" in page
    assert "福田 gains" in page
    assert "fewer" not in page
    assert html.count('class="sketch__area"') >= 2
    assert html.count('class="sketch__marked"') == 2
    assert f"{lots[1].name} changed – " in page


def test_a_loss_is_a_loss(staff, lots):
    assert "福田 loses +" in text_of(staff.get(URL, {"c": [f"close:{lots[5].pk}"]}))


def test_a_change_can_be_left_out_again(staff, lots):
    texts = [f"resize:{lots[0].pk}:200", f"close:{lots[1].pk}"]

    (first, _second) = staff.get(URL, {"c": texts}).context["changes"]

    assert parse_qs(urlsplit(first.without).query)["c"] == texts[1:]


@pytest.mark.parametrize("text", ["nonsense", "close:424242", "<script>"])
def test_what_can_not_be_is_said_and_not_computed(staff, lots, text):
    response = staff.get(URL, {"c": [f"close:{lots[0].pk}", text]})

    assert response.context["report"] is None
    assert response.context["refusal"]
    assert "<script>" not in response.content.decode().split("<main")[1]
    assert parse_qs(urlsplit(response.context["without_last"]).query)["c"] == [f"close:{lots[0].pk}"]


def test_other_districts_are_told_together_and_their_lots_not_named(staff, lots):
    theirs = make_lot(
        district=District.objects.create(city=CITY, name="宝安"),
        name="Theirs",
        latitude=22.5525,
        longitude=114.1085,
        capacity=300,
        access_class=lots[0].access_class,
    )
    make_picture(NOW + SLOT)

    page = text_of(staff.get(URL, {"c": [f"close:{lots[0].pk}"]}))

    assert "other districts" in page
    assert "a lot of another district" in page
    assert theirs.name not in page
    assert "宝安" not in page


def test_differences_come_as_a_table(staff, lots):
    response = staff.get(reverse("web:city_whatif_csv"), {"c": [f"close:{lots[0].pk}"]})

    (row,) = csv.DictReader(StringIO(response.content.decode("utf-8-sig")))
    assert (row["District"], row["Lots before"], row["Lots after"]) == ("福田", "6", "5")
    assert staff.get(reverse("web:city_whatif_csv")).status_code == 404


def test_the_map_of_what_would_be_is_painted_from_its_own_data(staff, lots):
    response = staff.get(URL, {"c": [f"close:{lots[0].pk}"]})
    before, after = (painted for _word, painted in response.context["maps"])

    assert before.mesh != after.mesh
    assert [staff.get(address).status_code for address in (after.mesh, after.ground, after.slot)] == [200] * 3
    assert staff.get(after.mesh).content.startswith(b"cov1")
    assert staff.get(reverse("web:city_whatif_painted", args=["0" * 64, "mesh"])).status_code == 404


def test_what_is_painted_is_not_there_for_staff_of_another_city(staff, lots):
    _before, (_word, after) = staff.get(URL, {"c": [f"close:{lots[0].pk}"]}).context["maps"]
    elsewhere = make_user()
    grant(elsewhere, Role.CITY_STAFF, district=District.objects.create(city="广州", name="越秀"))

    rival = client_of(elsewhere)

    assert [rival.get(address).status_code for address in (after.mesh, after.ground, after.slot)] == [404] * 3


def test_the_same_question_is_computed_once(staff, lots, monkeypatch):
    texts = [f"close:{lots[0].pk}"]
    first = staff.get(URL, {"c": texts}).context["report"]
    monkeypatch.setattr(reports, "outcome_of", None)

    again = staff.get(URL, {"c": texts}).context["report"]

    assert again.districts == first.districts


def test_a_large_city_is_computed_by_a_worker(staff, lots, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(reports, "COMPUTED_AT_ONCE", 5)
    texts = [f"close:{lots[0].pk}", f"resize:{lots[1].pk}:90"]

    waiting = staff.get(URL, {"c": texts})
    assert "It waits for a worker" in text_of(waiting)
    assert '<noscript><meta http-equiv="refresh"' in waiting.content.decode()
    assert 'hx-trigger="every 3s"' in waiting.content.decode()
    assert staff.get(URL, {"c": texts}, headers={"HX-Request": "true"}).status_code == 200
    tasks.what_if(run_id=CoverageRun.objects.get().pk, changes="\n".join(texts))

    assert "2 lots change" in text_of(staff.get(URL, {"c": texts}))
    has_come = staff.get(URL, {"c": texts}, headers={"HX-Request": "true"})
    assert (has_come.status_code, has_come.headers["HX-Refresh"]) == (204, "true")
    assert not reports.compute_report(run_id=CoverageRun.objects.get().pk, changes=texts, now=LATER)


def test_a_worker_keeps_a_refusal_too(staff, lots, monkeypatch):
    monkeypatch.setattr(reports, "COMPUTED_AT_ONCE", 5)
    tasks.what_if(run_id=CoverageRun.objects.get().pk, changes="close:424242")

    assert "not on the map" in text_of(staff.get(URL, {"c": ["close:424242"]}))
    assert not reports.compute_report(run_id=0, changes=["close:1"], now=LATER)


def test_a_worker_is_asked_once_a_minute(lots, monkeypatch):
    monkeypatch.setattr(reports, "COMPUTED_AT_ONCE", 5)
    rung = []
    monkeypatch.setattr(reports.bells, "ring", lambda name, **_arguments: rung.append(name))
    changes = read_changes([f"close:{lots[0].pk}"])

    for _look in range(3):
        reports.report_for(newest_picture(CITY), changes, now=LATER)

    assert rung == ["coverage.what_if"]


def test_a_what_if_gets_a_name_and_a_link_for_colleagues(staff, lots, district, monkeypatch):
    saved = staff.post(
        reverse("web:city_whatif_save"), {"city": CITY, "c": [f"close:{lots[0].pk}"], "name": "Without the first"}
    )
    colleague = make_user()
    grant(colleague, Role.CITY_STAFF, district=District.objects.create(city=CITY, name="南山"))

    page = text_of(client_of(colleague).get(saved.headers["Location"]))

    scenario = Scenario.objects.get()
    assert len(scenario.link) >= 43
    assert scenario.expires_at == LATER + scenarios.KEPT
    assert "Without the first" in page
    assert f"Close “{lots[0].name}”." in page
    assert "Delete it" not in page
    assert "Delete it" in text_of(staff.get(saved.headers["Location"]))
    assert "Without the first" in text_of(staff.get(URL))


def test_nothing_is_named_without_a_change_or_a_name(staff, lots):
    save = reverse("web:city_whatif_save")

    assert "There is nothing to name yet" in text_of(staff.post(save, {"city": CITY, "name": "x"}, follow=True))
    nameless = staff.post(save, {"city": CITY, "c": [f"close:{lots[0].pk}"], "name": " "}, follow=True)
    assert "This field is required." in text_of(nameless)
    assert nameless.context["texts"] == [f"close:{lots[0].pk}"]
    assert not Scenario.objects.exists()


def make_scenario(planner, lots, **fields):
    made = scenarios.save_scenario(
        city=CITY, name="Kept", changes=read_changes([f"close:{lots[0].pk}"]), made_by=planner, now=NOW
    )
    Scenario.objects.filter(pk=made.pk).update(**fields)
    return made


def test_a_scenario_is_there_for_staff_of_its_city_only(lots, planner):
    link = reverse("web:city_scenario", args=[make_scenario(planner, lots).link])
    stranger, elsewhere = make_user(), make_user()
    grant(elsewhere, Role.CITY_STAFF, district=District.objects.create(city="广州", name="天河"))

    assert client_of(stranger).get(link).status_code == 404
    assert client_of(elsewhere).get(link).status_code == 404


def test_a_scenario_ends(staff, lots, planner):
    ended = make_scenario(planner, lots, expires_at=LATER - hours(0.1))
    kept = make_scenario(planner, lots)

    assert staff.get(reverse("web:city_scenario", args=[ended.link])).status_code == 404
    assert scenarios.forget_scenarios(now=LATER) == 1
    assert Scenario.objects.get() == kept


def test_only_its_maker_keeps_it_longer_or_deletes_it(staff, lots, planner, district):
    scenario = make_scenario(planner, lots)
    colleague = make_user()
    grant(colleague, Role.CITY_STAFF, district=district)
    prolong, delete = (reverse(f"web:city_scenario_{what}", args=[scenario.link]) for what in ("prolong", "delete"))

    assert client_of(colleague).post(prolong).status_code == client_of(colleague).post(delete).status_code == 404
    staff.post(prolong)
    scenario.refresh_from_db()
    assert scenario.expires_at == LATER + scenarios.KEPT
    assert staff.post(delete).status_code == 302
    assert not Scenario.objects.exists()


def test_a_scenario_is_computed_on_the_newest_picture(staff, lots, planner):
    scenario = make_scenario(planner, lots)
    link = reverse("web:city_scenario", args=[scenario.link])
    first = staff.get(link).context["report"]
    Lot.objects.filter(pk=lots[3].pk).update(capacity=400)
    make_picture(NOW + SLOT)

    second = staff.get(link).context["report"]

    assert second.districts != first.districts


@pytest.mark.parametrize("role", [None, Role.MANAGER])
def test_who_oversees_no_district_finds_nothing(role, lots):
    user = make_user()
    if role:
        grant(user, role, lot=lots[0])
    stranger = client_of(user)

    assert stranger.get(URL).status_code == stranger.get(reverse("web:city_whatif_csv")).status_code == 404
    assert stranger.post(reverse("web:city_whatif_save"), {"c": "close:1", "name": "x"}).status_code == 404


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get(URL)["Location"].startswith(reverse("account_login"))


def test_the_page_costs_the_same_for_six_lots_and_for_twelve(staff, district, lots):
    address = f"{URL}?c=close:{lots[0].pk}"
    before = queries_of(staff, address)
    for number in range(6):
        make_lot(
            district=district,
            latitude=22.57 + 0.002 * number,
            longitude=114.1,
            capacity=30,
            land_use=LandUse.OFFICE,
            access_class=lots[0].access_class,
        )
    make_picture(NOW + SLOT)

    assert queries_of(staff, address) == before
