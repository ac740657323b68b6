"""Pictures of a city: made once a slot, checked, published whole."""

from datetime import timedelta

import numpy as np
import pytest
import shapely
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import translation

from coverage import bases, runs, services
from coverage.engine.city import Moment, tick
from coverage.engine.partition import Areas
from coverage.models import CoverageBase, CoveragePart, CoverageRun, CoverageSettings, Mode
from coverage.vacancy import vacancies_in
from parking_share import clock
from parking_share.spaces.models import AccessClass, District, LandUse, Lot
from tests.factories import NOW, make_lot, make_slot

pytestmark = pytest.mark.django_db
CITY = "深圳"
SLOT = timedelta(minutes=15)
AFTER = NOW + SLOT + timedelta(minutes=2)
PLACES = [
    (22.550, 114.110),
    (22.553, 114.113),
    (22.556, 114.109),
    (22.549, 114.118),
    (22.560, 114.120),
    (22.552, 114.104),
]


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def lots():
    public = AccessClass.objects.get(code="PUBLIC")
    return [
        make_lot(
            latitude=north, longitude=east, access_class=public, land_use=LandUse.PUBLIC, capacity=20 + 10 * number
        )
        for number, (north, east) in enumerate(PLACES)
    ]


def nested():
    CoverageSettings.objects.create(city=CITY, mode=Mode.NESTED, cluster_radius_m=400)


def test_a_slot_is_published_once(lots):
    first = runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)
    again = runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)

    assert first.status == CoverageRun.Status.PUBLISHED
    assert again is None
    assert CoverageRun.objects.count() == 1


def test_ranks_add_up_to_one_and_areas_to_the_ground(lots):
    run = runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)

    values = runs.values_of(run)
    target = bases.city_of(run.base).mesh.targets[0]
    assert values.score.sum() == pytest.approx(1)
    assert values.area_m2.sum() == pytest.approx(shapely.area(target), rel=1e-9)
    assert runs.areas_of(run).area_m2 == pytest.approx(values.area_m2, rel=1e-3)


def test_a_lot_that_empties_gains_rank_and_ground(lots):
    before = runs.values_of(runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER))
    make_slot(lots[2], NOW + SLOT, 0.0)
    after = runs.values_of(runs.compute_slot(CITY, slot_starts_at=NOW + SLOT, now=AFTER + SLOT))

    assert after.vacancy[2] == 1
    assert after.score[2] > before.score[2]
    assert after.area_m2[2] > before.area_m2[2]


def test_the_static_part_is_made_again_only_when_lots_change(lots):
    runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)
    runs.compute_slot(CITY, slot_starts_at=NOW + SLOT, now=AFTER + SLOT)
    assert CoverageBase.objects.count() == 1

    Lot.objects.filter(pk=lots[0].pk).update(capacity=300)
    runs.compute_slot(CITY, slot_starts_at=NOW + 2 * SLOT, now=AFTER + 2 * SLOT)

    assert CoverageBase.objects.count() == 2


def test_a_claim_of_a_dead_worker_is_taken_over(lots):
    base = bases.ensure_base(CITY, now=NOW)
    claim = {
        "base": base,
        "city": CITY,
        "slot_starts_at": NOW,
        "input_at": NOW,
        "parameters": {},
        "engine_version": "1",
    }
    CoverageRun.objects.create(**claim, began_at=AFTER)

    assert runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER) is None
    taken_over = runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER + runs.GIVEN_UP_AFTER + SLOT)

    assert taken_over.status == CoverageRun.Status.PUBLISHED
    assert CoverageRun.objects.count() == 1


def test_what_fails_the_checks_is_kept_with_the_reason_and_not_published(lots):
    good = runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)
    city, vacancy = bases.city_of(good.base), runs.values_of(good).vacancy
    moment = tick(city, vacancy)
    with_a_gap = moment.areas.polygons.copy()
    with_a_gap[1] = shapely.Polygon()
    wrong = Moment(moment.ranking, Areas(with_a_gap, moment.areas.tolerance))
    run = runs.claim_slot(good.base, slot_starts_at=NOW + SLOT, now=AFTER, is_backfill=False)
    vacancies = vacancies_in(lots, slot_starts_at=NOW + SLOT, now=AFTER)

    assert runs.publish(run, city, vacancies, wrong, now=AFTER) is None

    run.refresh_from_db()
    assert run.status == CoverageRun.Status.REFUSED
    assert "do not add up" in run.complaint
    assert CoverageRun.objects.get(status=CoverageRun.Status.PUBLISHED) == good


def test_nested_parts_are_dealt_out_and_the_last_publishes(lots, django_capture_on_commit_callbacks):
    nested()
    run = runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)
    assert run.status == CoverageRun.Status.COMPUTING

    parts = list(CoveragePart.objects.values_list("pk", flat=True))
    published = [runs.compute_part(pk, now=AFTER) for pk in parts]

    run.refresh_from_db()
    assert published == [False] * (len(parts) - 1) + [True]
    assert run.status == CoverageRun.Status.PUBLISHED
    labels = bases.clusters_of(run.base)
    scores = runs.values_of(run).score
    assert np.bincount(labels, weights=scores) == pytest.approx(np.ones(labels.max() + 1))
    assert not CoveragePart.objects.exists()


def test_parts_of_a_dead_worker_are_rung_for_again(lots, django_capture_on_commit_callbacks):
    nested()
    runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)
    CoveragePart.objects.update(claimed_at=AFTER)

    assert runs.attend_parts(now=AFTER) == 0
    assert runs.attend_parts(now=AFTER + runs.GIVEN_UP_AFTER + SLOT) == CoveragePart.objects.count()


def test_the_job_computes_what_is_due_and_says_what_is_late(lots):
    assert services.late_cities(now=AFTER) == [CITY]

    published = services.attend(now=AFTER)

    assert published == services.CAUGHT_UP
    assert CoverageRun.objects.order_by("slot_starts_at").last().slot_starts_at == NOW
    assert services.late_cities(now=AFTER + timedelta(minutes=17)) == []
    assert services.late_cities(now=AFTER + timedelta(minutes=60)) == [CITY]


def test_a_city_that_can_not_be_computed_keeps_no_other_waiting(lots):
    broken = District.objects.create(city="A city before all others", name="Far apart")
    public = AccessClass.objects.get(code="PUBLIC")
    for place in ((22.55, 114.11), (-40.0, -70.0)):
        make_lot(latitude=place[0], longitude=place[1], district=broken, access_class=public, capacity=50)
    with pytest.raises(ValueError, match="degrees"):
        runs.compute_slot(broken.city, slot_starts_at=NOW, now=AFTER)

    published = services.attend(now=AFTER)

    assert published == services.CAUGHT_UP
    assert services.late_cities(now=AFTER) == [broken.city]


def test_a_slot_is_due_a_minute_and_a_half_after_its_end():
    assert services.newest_due_slot(NOW + SLOT + timedelta(seconds=89)) == NOW - SLOT
    assert services.newest_due_slot(NOW + SLOT + timedelta(seconds=90)) == NOW


def test_backfill_goes_on_where_it_stopped(lots, capsys):
    end = services.slot_of(clock.now()) - 8 * SLOT
    runs.compute_slot(CITY, slot_starts_at=end - 4 * SLOT, now=end)
    between = ["--since", (end - 6 * SLOT).isoformat(), "--until", end.isoformat()]

    call_command("backfill_coverage", *between)
    call_command("backfill_coverage", *between)

    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("5 ")
    assert CoverageRun.objects.filter(is_backfilled=True).count() == 5


def test_backfill_wants_instants_with_an_offset():
    with pytest.raises(CommandError, match="08:00"):
        call_command("backfill_coverage", "--since", "2026-11-20T00:00:00")


def test_pictures_thin_out_with_age(lots):
    kept = [
        runs.compute_slot(CITY, slot_starts_at=NOW + number * SLOT, now=AFTER + number * SLOT) for number in range(5)
    ]

    services.thin_out(now=NOW + services.AREAS_KEPT + 2 * SLOT)
    assert [run.areas is None for run in CoverageRun.objects.order_by("slot_starts_at")] == [True] * 2 + [False] * 3

    services.thin_out(now=NOW + services.ALL_SLOTS_KEPT + 10 * SLOT)
    assert [run.slot_starts_at for run in CoverageRun.objects.order_by("slot_starts_at")] == [
        kept[0].slot_starts_at,
        kept[4].slot_starts_at,
    ]


def test_a_tick_takes_a_fixed_number_of_queries(lots, django_assert_max_num_queries):
    runs.compute_slot(CITY, slot_starts_at=NOW, now=AFTER)

    with django_assert_max_num_queries(22):
        runs.compute_slot(CITY, slot_starts_at=NOW + SLOT, now=AFTER + SLOT)
