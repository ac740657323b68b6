"""What would be if: the same engine, the same ground, and nothing saved."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import translation

from coverage import runs, whatif
from coverage.changes import Change, ChangeRefused, Kind, place_of, read_change, read_changes
from coverage.differences import districts_of, ground_that_changes_m2, lots_of
from coverage.engine.rank import network_of
from coverage.models import CoverageBase, CoverageRun, CoverageSettings, Mode
from coverage.selectors import newest_picture, picture_of
from coverage.whatif import outcome_of
from parking_share.spaces.models import AccessClass, District, LandUse, Lot
from tests.coverage_city import CITY, SLOT, make_picture, make_public_lots
from tests.factories import NOW, make_lot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def lots():
    return make_public_lots()


@pytest.fixture
def compound():
    home = AccessClass.objects.get(code="RESIDENTIAL")
    return make_lot(latitude=22.554, longitude=114.116, access_class=home, land_use=LandUse.RESIDENTIAL, capacity=100)


def outcome(*texts: str):
    picture = newest_picture(CITY)
    assert picture is not None
    return outcome_of(picture, read_changes(texts))


def of_lot(side, lot, array) -> float:
    return float(array[side.sites.row_of(lot.pk)])


TEXTS = [
    "add:22.551200,114.113400:120:500:PUBLIC:50:East: the new one",
    "move:17:22.551200,114.113400",
    "close:17",
    "resize:17:200",
    "share:17:40",
    "share-all:3:40",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_change_reads_as_it_is_written(text):
    assert read_change(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "close",
        "close:x",
        "close:-1",
        "close:1:2",
        "resize:1:0",
        "resize:1:20001",
        "share:1:101",
        "move:1:91,0",
        "move:1:nan,0",
        "add:1,1:1:1:PUBLIC",
        "add:1,1:5:200000:PUBLIC:50:x",
        "burn:1",
        "close:99999999999999999999",
    ],
)
def test_what_can_not_be_meant_is_refused(text):
    with pytest.raises(ChangeRefused):
        read_change(text)


def test_more_than_fifty_changes_are_refused():
    with pytest.raises(ChangeRefused, match="50"):
        read_changes(["close:1"] * 51)


@pytest.mark.parametrize("text", ["22.5431, 114.0579", "22.5431 114.0579", "22.5431，114.0579", " 22.5431,114.0579 "])
def test_places_are_read_as_people_type_them(text):
    assert place_of(text) == (22.5431, 114.0579)


@pytest.mark.parametrize("text", ["", "22.5", "a, b", "22.5, 114, 3", "１, ２", "1e3, 4"])
def test_what_is_no_place_is_refused(text):
    with pytest.raises(ChangeRefused):
        place_of(text)


def test_without_a_change_nothing_changes(lots):
    picture = picture_of(make_picture(**{f"lot{lots[0].pk}": 10}))

    found = outcome()

    assert found.before.moment.ranking.scores == pytest.approx(picture.values.score)
    assert np.array_equal(found.before.moment.areas.area_m2, found.after.moment.areas.area_m2)
    assert found.changed == frozenset()
    assert ground_that_changes_m2(found) == 0


def test_a_lot_that_closes_leaves_its_ground_to_the_others(lots):
    make_picture()

    found = outcome(f"close:{lots[0].pk}")

    assert lots[0].pk not in found.after.sites.lot_ids
    assert found.changed == {lots[0].pk}
    assert found.after.moment.areas.area_m2.sum() == pytest.approx(found.before.moment.areas.area_m2.sum())
    gaining, losing = lots_of(found, most=10)
    assert [one.lot_id for one in losing if one.is_m2 is None] == [lots[0].pk]
    assert gaining
    assert ground_that_changes_m2(found) >= losing[0].was_m2 * 0.999


def test_a_larger_lot_gains_rank_and_ground_and_keeps_its_cars(lots):
    make_picture(**{f"lot{lots[0].pk}": 10})

    found = outcome(f"resize:{lots[0].pk}:100")

    before, after = found.before, found.after
    assert of_lot(after, lots[0], after.sites.open_bays) == 100
    assert of_lot(after, lots[0], after.sites.free_bays) == 90
    assert of_lot(after, lots[0], after.moment.ranking.scores) > of_lot(before, lots[0], before.moment.ranking.scores)
    assert of_lot(after, lots[0], after.moment.areas.area_m2) > of_lot(before, lots[0], before.moment.areas.area_m2)


def test_a_smaller_lot_does_not_have_fewer_than_no_free_bays(lots):
    make_picture(**{f"lot{lots[0].pk}": 19})

    found = outcome(f"resize:{lots[0].pk}:5")

    assert of_lot(found.after, lots[0], found.after.sites.free_bays) == 0


def test_a_new_lot_takes_part_where_it_is_put(lots):
    make_picture()

    found = outcome("add:22.557,114.114:80:500:PUBLIC:50:New")

    row = found.after.sites.row_of(-1)
    assert found.names == {-1: "New"}
    assert found.after.sites.vacancy[row] == 0.5
    assert found.after.moment.areas.area_m2[row] > 0
    assert found.near == {-1: lots[1].pk}
    (difference,) = districts_of(found, {lot.pk: 7 for lot in lots})
    assert difference.district_id == 7
    assert difference.after.lots == difference.before.lots + 1
    assert difference.after.open_bays == difference.before.open_bays + 80
    assert difference.percent < 0


def test_a_lot_that_moves_takes_its_vacancy_along(lots):
    make_picture(**{f"lot{lots[0].pk}": 10})

    found = outcome(f"move:{lots[0].pk}:22.5575,114.1150")

    assert of_lot(found.after, lots[0], found.after.sites.vacancy) == 0.5
    assert found.changed == {lots[0].pk}
    moved = found.after.sites.positions[found.after.sites.row_of(lots[0].pk)]
    assert found.plane.degrees([moved])[0][0] == pytest.approx(22.5575, abs=1e-6)


def test_a_compound_that_shares_opens_idle_bays(lots, compound):
    make_picture()

    found = outcome(f"share:{compound.pk}:40")

    before, after = found.before, found.after
    assert of_lot(before, compound, before.sites.open_bays) == 0
    assert of_lot(after, compound, after.sites.open_bays) == of_lot(after, compound, after.sites.free_bays) == 40
    ratio = of_lot(after, compound, after.sites.capability) / of_lot(before, compound, before.sites.capability)
    assert ratio == pytest.approx(0.4 / 0.3)
    assert of_lot(after, compound, after.moment.areas.area_m2) > of_lot(before, compound, before.moment.areas.area_m2)


def test_all_compounds_of_a_district_can_share_and_no_other_lot(lots, compound):
    theirs = make_lot(
        district=District.objects.create(city=CITY, name="宝安"),
        latitude=22.559,
        longitude=114.111,
        access_class=compound.access_class,
        capacity=50,
    )
    make_picture()

    found = outcome(f"share-all:{compound.district_id}:20")

    assert found.changed == {compound.pk}
    assert of_lot(found.after, theirs, found.after.sites.open_bays) == 0


def test_potentials_that_follow_are_those_of_a_fresh_network(lots, compound):
    make_picture()

    found = outcome(
        f"close:{lots[0].pk}",
        f"move:{lots[1].pk}:22.5575,114.1150",
        "add:22.5561,114.1141:80:0:PUBLIC:50:",
        f"resize:{lots[2].pk}:7",
        f"share:{compound.pk}:100",
    )

    sites = found.after.sites
    fresh = network_of(sites.positions, sites.capability)
    assert sites.potential == pytest.approx(fresh.potential, rel=1e-12)
    assert found.after.city.network.capability is sites.capability


def test_potentials_of_many_changes_are_made_afresh(lots, compound, monkeypatch):
    make_picture()
    followed = outcome(f"share-all:{compound.district_id}:50").after.sites.potential
    monkeypatch.setattr(whatif, "MOST_FOLLOWED", 0)

    afresh = outcome(f"share-all:{compound.district_id}:50").after.sites.potential

    assert afresh == pytest.approx(followed, rel=1e-12)


def test_changes_build_on_each_other(lots):
    make_picture()

    found = outcome(f"resize:{lots[0].pk}:40", f"move:{lots[0].pk}:22.5575,114.1150")

    assert of_lot(found.after, lots[0], found.after.sites.open_bays) == 40
    with pytest.raises(ChangeRefused, match="can't be changed any more"):
        outcome(f"close:{lots[0].pk}", f"resize:{lots[0].pk}:40")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("close:424242", "not on the map"),
        ("resize:424242:5", "not on the map"),
        ("add:39.9,116.4:80:500:PUBLIC:50:Beijing", "another city"),
        ("add:22.9,114.1:80:500:PUBLIC:50:Far", "5 km"),
        ("add:22.55,114.11:80:500:NOBODY:50:x", "who may use"),
        ("share-all:424242:50", "no residential compound"),
    ],
)
def test_what_can_not_be_done_is_refused_with_a_sentence(lots, text, why):
    make_picture()

    with pytest.raises(ChangeRefused, match=why):
        outcome(text)


def test_the_last_lot_can_not_be_closed(lots):
    make_picture()

    with pytest.raises(ChangeRefused, match="Some lot must stay open"):
        outcome(*(f"close:{lot.pk}" for lot in lots))


def test_two_lots_may_be_at_one_place(lots):
    make_picture()

    found = outcome(f"add:{lots[0].latitude},{lots[0].longitude}:500:0:PUBLIC:90:On top")

    areas = found.after.moment.areas.area_m2
    assert areas[found.after.sites.row_of(-1)] > 0
    assert of_lot(found.after, lots[0], areas) == 0


def test_nothing_is_saved(lots):
    make_picture()
    rows = [model.objects.count() for model in (CoverageBase, CoverageRun, Lot)]

    outcome(f"close:{lots[0].pk}", "add:22.557,114.114:80:500:PUBLIC:50:New")

    assert [model.objects.count() for model in (CoverageBase, CoverageRun, Lot)] == rows
    assert Lot.objects.filter(pk=lots[0].pk).exists()


def test_a_city_of_several_networks_is_clustered_afresh(lots):
    CoverageSettings.objects.create(city=CITY, mode=Mode.NESTED, cluster_radius_m=400)
    run = runs.compute_slot(CITY, slot_starts_at=NOW, now=NOW + SLOT + timedelta(minutes=2))
    for part in run.parts.order_by("number"):
        runs.compute_part(part.pk, now=NOW + SLOT)

    found = outcome(f"move:{lots[5].pk}:{lots[4].latitude},{lots[4].longitude - 0.001}")

    groups = found.after.city.network.groups
    assert groups[5] == groups[4]
    assert np.bincount(groups, weights=found.after.moment.ranking.scores) == pytest.approx(np.ones(groups.max() + 1))
    assert found.after.moment.areas.area_m2.sum() == pytest.approx(found.before.moment.areas.area_m2.sum())


def test_a_change_knows_its_kind():
    assert Change(kind=Kind.CLOSE, lot_id=3).text == "close:3"
