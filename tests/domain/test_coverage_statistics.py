"""What pictures say by district, by cluster and by lot, and what they keep to themselves."""

from datetime import timedelta

import numpy as np
import pytest
import shapely
from django.utils import translation

from coverage import groups, services
from coverage.models import CoverageRun, CoverageSettings, Mode
from coverage.selectors import alerts_for, day_of_lot, newest_picture, picture_at, picture_of, polygons_of
from coverage.shortages import Order, shortages_in
from coverage.shown import hectares_a_bay, shown_bays, shown_vacancy
from coverage.statistics import totals_by, totals_of
from coverage.vacancy import Basis
from parking_share.spaces.models import Lot
from tests.coverage_city import CITY, SLOT, make_picture, make_public_lots
from tests.factories import NOW

pytestmark = pytest.mark.django_db
AFTER = NOW + SLOT + timedelta(minutes=2)


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def lots():
    return make_public_lots()


def named(**taken):
    """Bays in use by the place of their lot in the list."""
    lots = list(Lot.objects.order_by("pk"))
    return {f"lot{lots[int(place[1:])].pk}": mean for place, mean in taken.items()}


@pytest.mark.parametrize(
    ("open_bays", "free_bays", "bays", "vacancy"),
    [(40, 10, "10", "25 %"), (40, 4.4, "<5", "<13 %"), (40, 0, "<5", "<13 %"), (4, 4, "<5", "–"), (5, 5, "5", "100 %")],
)
def test_few_bays_are_not_told_nor_what_they_follow_from(open_bays, free_bays, bays, vacancy):
    assert shown_bays(free_bays) == bays
    assert shown_vacancy(open_bays, free_bays) == vacancy


def test_few_free_bays_count_as_five():
    assert hectares_a_bay(1_000_000, 20) == 5
    assert hectares_a_bay(1_000_000, 1) == hectares_a_bay(1_000_000, 5) == 20


def test_sums_of_a_district_are_those_of_its_lots(lots):
    picture = picture_of(make_picture(**named(_0=5, _1=10)))

    totals = totals_by(picture, {lots[0].pk: "here", lots[1].pk: "here", lots[2].pk: "there"})

    assert totals["here"].lots == 2
    assert totals["here"].open_bays == 50
    assert totals["here"].free_bays == 35
    assert totals["here"].seen == 2
    assert totals["here"].age == timedelta(minutes=1)
    assert totals["there"].estimated == 1
    assert totals["there"].age is None
    everything = totals_of(picture, np.arange(6))
    assert everything.area_m2 == pytest.approx(picture.values.area_m2.sum())


def test_the_shortest_of_bays_come_first_and_the_closed_not_at_all(lots):
    picture = picture_of(make_picture(**named(_0=20, _1=0, _2=0, _3=0, _4=0, _5=0)))

    short = shortages_in(picture, lot_ids=[lot.pk for lot in lots])

    levels = [one.hectares_a_bay for one in short]
    assert levels == sorted(levels, reverse=True)
    expected = {lot.pk: picture.values.area_m2[row] / 1e4 / max(lot.capacity, 5) for row, lot in enumerate(lots)}
    expected[lots[0].pk] = picture.values.area_m2[0] / 1e4 / 5
    assert {one.lot_id: one.hectares_a_bay for one in short} == pytest.approx(expected)
    Lot.objects.filter(pk=lots[1].pk).update(access_class="RESIDENTIAL")
    closed = picture_of(make_picture(NOW + SLOT))
    assert closed.values.basis[1] == Basis.CLOSED
    assert lots[1].pk not in {one.lot_id for one in shortages_in(closed, lot_ids=[lot.pk for lot in lots])}


def test_growth_is_against_an_hour_before(lots):
    make_picture(**named(_0=0, _3=0, _4=0))
    later = picture_of(make_picture(NOW + 4 * SLOT, **named(_0=0, _3=45, _4=0)))

    fastest = shortages_in(later, lot_ids=[lot.pk for lot in lots], order=Order.FASTEST, most=1)[0]

    earlier = picture_at(CITY, NOW)
    before, now = (one.values.area_m2[3] / max(one.values.free_bays[3], 5) for one in (earlier, later))
    assert fastest.lot_id == lots[3].pk
    assert fastest.growth == pytest.approx(now / before)


def test_without_an_hour_before_no_growth_is_known(lots):
    picture = picture_of(make_picture())

    assert {one.growth for one in shortages_in(picture, lot_ids=[lot.pk for lot in lots])} == {None}


def test_the_newest_picture_until_an_instant(lots):
    first, second = make_picture(), make_picture(NOW + SLOT)

    assert newest_picture(CITY).run == second
    assert newest_picture(CITY, until=NOW + SLOT / 2).run == first
    assert newest_picture(CITY, until=NOW - SLOT) is None
    assert newest_picture("elsewhere") is None


def test_a_lots_day_tells_strength_basis_and_age(lots):
    make_picture(**named(_0=20))
    make_picture(NOW + SLOT, **named(_0=0))

    day = day_of_lot(lots[0], begins=NOW, ends=NOW + 4 * SLOT)

    assert [slot.vacancy for slot in day] == [0, 1]
    assert [slot.basis for slot in day] == [Basis.SEEN] * 2
    assert [slot.age for slot in day] == [timedelta(minutes=1)] * 2
    assert day[1].strength > day[0].strength
    picture = picture_at(CITY, NOW)
    assert day[0].strength == pytest.approx(6 * picture.values.score[0])


def test_a_lot_without_bays_has_no_day(lots):
    make_picture()
    Lot.objects.filter(pk=lots[0].pk).update(capacity=None)
    make_picture(NOW + SLOT)

    assert [slot.starts_at for slot in day_of_lot(lots[0], begins=NOW, ends=NOW + 4 * SLOT)] == [NOW]


def test_in_a_nested_city_strength_is_against_the_cluster(lots, django_capture_on_commit_callbacks):
    CoverageSettings.objects.create(city=CITY, mode=Mode.NESTED, cluster_radius_m=600)
    from coverage import runs

    run = runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)
    for part in run.parts.order_by("number"):
        runs.compute_part(part.pk, now=AFTER)
    picture = newest_picture(CITY)

    clusters = groups.clusters_in(picture)
    assert 1 < len(clusters) < len(lots)
    for cluster in clusters:
        days = [day_of_lot(lot, begins=NOW, ends=NOW + SLOT) for lot in Lot.objects.filter(pk__in=cluster.lot_ids)]
        assert sum(slot.strength for (slot,) in days) == pytest.approx(cluster.totals.lots)


def test_clusters_cover_the_city_and_name_their_largest_lot(lots):
    CoverageSettings.objects.create(city=CITY, cluster_radius_m=600)
    picture = picture_of(make_picture())

    found = groups.clusters_in(picture)
    grounds = groups.cluster_polygons(picture.run.base)

    assert sum(cluster.totals.lots for cluster in found) == 6
    assert [cluster.totals.lots for cluster in found] == sorted((c.totals.lots for c in found), reverse=True)
    assert lots[5].pk in {cluster.largest for cluster in found}
    union = shapely.union_all(grounds)
    assert shapely.area(grounds).sum() == pytest.approx(shapely.area(union))
    colours = groups.colours_of(grounds)
    for one in range(len(grounds)):
        for other in range(one):
            if grounds[one].intersects(grounds[other]):
                assert colours[one] != colours[other]


def test_the_ground_of_districts_is_a_partition(lots):
    base = make_picture().base
    halves = {lot.pk: place % 2 for place, lot in enumerate(lots)}

    grounds = groups.district_polygons(base, halves)

    assert set(grounds) == {0, 1}
    assert grounds[0].intersection(grounds[1]).area == pytest.approx(0, abs=1e-12)
    assert grounds[0].contains(shapely.Point(lots[0].longitude, lots[0].latitude))
    assert grounds[1].contains(shapely.Point(lots[1].longitude, lots[1].latitude))


def test_polygons_that_were_thinned_out_are_made_again(lots):
    picture = picture_of(make_picture())
    kept = polygons_of(picture).area_m2
    CoverageRun.objects.update(areas=None)

    assert polygons_of(picture).area_m2 == pytest.approx(kept, rel=1e-3)


def test_staff_are_told_what_is_late_and_what_was_refused(lots):
    assert [alert.is_late for alert in alerts_for([CITY], now=AFTER)] == [True]
    make_picture()
    assert alerts_for([CITY], now=AFTER) == []
    CoverageRun.objects.filter(city=CITY).update(status=CoverageRun.Status.REFUSED, complaint="A gap.")
    make_picture(NOW - SLOT)

    (refused,) = alerts_for([CITY], now=AFTER)

    assert refused.complaint == "A gap."
    assert refused.slot_starts_at == NOW
    assert alerts_for(["elsewhere"], now=AFTER) == []
    assert alerts_for([CITY], now=NOW + timedelta(days=2))[-1].is_late
    assert services.late_cities(now=NOW + timedelta(days=2)) == [CITY]


def test_a_refused_slot_is_told_once_and_not_after_it_was_published(lots):
    make_picture(NOW - SLOT)
    for complaint in ("An overlap.", "A gap."):
        make_picture()
        CoverageRun.objects.filter(slot_starts_at=NOW).update(status=CoverageRun.Status.REFUSED, complaint=complaint)

    assert [alert.complaint for alert in alerts_for([CITY], now=AFTER) if not alert.is_late] == ["A gap."]

    make_picture()
    assert alerts_for([CITY], now=AFTER) == []
