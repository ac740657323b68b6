import importlib
import json
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.utils import translation

from allocation import laboratory, services
from allocation.engine.comparison import run_policy
from allocation.engine.generator import generate_instance
from allocation.engine.instance import read_instance
from allocation.engine.registry import ALL_POLICIES
from allocation.engine.rules import Horizon
from allocation.engine.simulation import Mode
from allocation.engine.writing import instance_document
from allocation.history import HistoryRefused, day_document, read_day, recorded_week
from allocation.laboratory import BUDGET_S, CLAIM, MOST_UNDER_WAY, LaboratoryRefused
from allocation.laboratory_report import TABLES, table_of
from allocation.laboratory_results import comparison_of
from allocation.laboratory_steps import STEPS, take_step
from allocation.models import LabRun
from parking_share.reservations.services import Wish
from parking_share.spaces.models import District, Lot, ShareWindow
from parking_share.spaces.tariffs import rate_table
from tests.domain.test_races import at_once
from tests.factories import NOW, hours, make_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db
MONDAY = NOW.date()
LATER = NOW + timedelta(days=20)


@pytest.fixture(autouse=True)
def _in_english():
    """Sentences are told apart by their words."""
    with translation.override("en"):
        yield


def book(lot, start: float, end: float, *, times: int = 1, **needs):
    """Decided requests, made at NOW, for hours after it; it is eight o'clock at the lot then."""
    for _ in range(times):
        driver = make_user()
        wish = Wish(
            lot=lot, vehicles=[make_vehicle(driver)], starts_at=NOW + hours(start), ends_at=NOW + hours(end), **needs
        )
        services.request_reservation(driver=driver, wish=wish, now=NOW)
    services.decide(lot_id=lot.pk, now=NOW)


@pytest.fixture
def lot():
    """Six bays of six owners, shared from 8 to 20 o'clock on Monday and Tuesday; seven requests on Monday."""
    lot = make_lot(peak_rate_cents=1000)
    for number in range(6):
        space = make_space(lot, owner=make_user(), label=f"B{number}")
        for day in (0, 24):
            make_window(space, NOW + hours(day), NOW + hours(day + 12))
    book(lot, 1, 5, times=7)
    return lot


@pytest.fixture
def run(lot):
    return laboratory.compare_week(lot=lot, first_date=MONDAY, made_by=None, now=LATER)


def small_instance(seed: int = 3) -> bytes:
    day = generate_instance(np.random.default_rng(seed), spaces=4, requests=12)
    return json.dumps(instance_document(day)).encode()


def test_a_week_is_read_as_it_was(lot):
    days = recorded_week(lot, first_date=MONDAY)

    monday, tuesday = days[0], days[1]
    assert len(days) == 7
    assert monday.instance.opens_at == "00:00"
    assert [day.instance.free.sum() for day in days] == [6 * 48, 6 * 48, 0, 0, 0, 0, 0]
    assert {(one.start, one.end, one.requested_at) for one in monday.instance.requests} == {(36, 52, 32)}
    assert monday.was_accepted == (True,) * 6 + (False,)
    assert len(set(monday.owners)) == 6
    assert tuesday.instance.requests == ()


def test_a_day_begins_when_fewest_are_under_way():
    lot = make_lot()
    make_window(make_space(lot), NOW, NOW + hours(48))
    book(lot, 10, 25)

    days = recorded_week(lot, first_date=MONDAY)

    assert days[0].instance.opens_at == "09:00"
    assert [len(day.instance.requests) for day in days][:2] == [1, 0]
    assert days[0].cut == 0


def test_a_stay_beyond_the_day_is_cut_and_counted():
    lot = make_lot()
    make_window(make_space(lot), NOW, NOW + hours(100))
    book(lot, 1, 40)

    days = recorded_week(lot, first_date=MONDAY)

    assert [day.cut for day in days][:2] == [1, 0]
    assert max(one.end for one in days[0].instance.requests) == 96


def test_what_was_withdrawn_before_it_came_was_not_shared(lot):
    ShareWindow.objects.filter(space__label="B0", starts_at=NOW).update(superseded_at=NOW - hours(1))
    ShareWindow.objects.filter(space__label="B1", starts_at=NOW).update(superseded_at=NOW + hours(90))

    monday = recorded_week(lot, first_date=MONDAY)[0]

    shared = dict(zip(monday.instance.space_ids, monday.instance.free.any(axis=1).tolist(), strict=True))
    assert shared == {"B0": False} | {f"B{n}": True for n in range(1, 6)}


def test_masks_are_those_of_the_bays(lot):
    make_window(make_space(lot, label="C", has_charger=True), NOW, NOW + hours(12))
    book(lot, 6, 7, needs_charger=True)

    monday = recorded_week(lot, first_date=MONDAY)[0].instance

    wished = {one.start: one.eligible.tolist() for one in monday.requests if one.eligible is not None}
    assert wished == {36: [True] * 6 + [False], 56: [False] * 6 + [True]}


def test_what_had_nothing_to_do_with_room_is_left_out(lot):
    driver = make_user()
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=NOW + hours(6), ends_at=NOW + hours(7))
    services.request_reservation(driver=driver, wish=wish, now=NOW)
    Lot.objects.filter(pk=lot.pk).update(is_open=False)
    services.decide(lot_id=lot.pk, now=NOW)

    assert len(recorded_week(lot, first_date=MONDAY)[0].instance.requests) == 7


@pytest.mark.parametrize(("weeks", "sentence"), [(2, "Nobody asked"), (-1, "Nobody asked")])
def test_an_empty_week_is_refused(lot, weeks, sentence):
    with pytest.raises(HistoryRefused, match=sentence):
        recorded_week(lot, first_date=MONDAY + timedelta(weeks=weeks))


def test_a_day_survives_being_kept(lot):
    monday = recorded_week(lot, first_date=MONDAY)[0]

    again = read_day(json.loads(json.dumps(day_document(monday))))

    assert day_document(again) == day_document(monday)


def test_a_step_is_what_the_engine_says(lot):
    monday = recorded_week(lot, first_date=MONDAY)[0]

    for name in ALL_POLICIES:
        found = take_step(monday, name)
        outcome = run_policy(monday.instance, name, mode=Mode.ONLINE, horizon=Horizon.FROM_NOW_ON)
        assert found["revenue"] == outcome.metrics.revenue
        assert found["spaces"] == [fate.space for fate in outcome.fates]
        assert sum(found["income"]) == pytest.approx(found["revenue"])


def test_a_step_that_takes_too_long_says_so(lot):
    monday = recorded_week(lot, first_date=MONDAY)[0]

    assert take_step(monday, "two_stage", seconds=-1) == {"too_long": True}
    assert take_step(monday, "thresholds", seconds=-1) == {"too_long": True}


def test_a_comparison_runs_through(run):
    assert laboratory.work_on(run_id=run.pk, now=LATER)

    run.refresh_from_db()
    assert (run.state, run.steps_done, run.percent) == ("DONE", 7 * len(STEPS), 100)
    found = comparison_of(run)
    rows = {row.name: row for row in found.policies}
    assert (found.requests, found.was_accepted, found.owners) == (7, 6, 6)
    assert [(rows[name].accepted, rows[name].refused) for name in ("fcfs", "reassign", "clairvoyant")] == [(6, 1)] * 3
    assert rows["fcfs"].utilisation == pytest.approx(6 * 16 / (2 * 6 * 48))
    price = rate_table(run.lot, starts_at=NOW, ends_at=NOW).price_cents(NOW + hours(1), NOW + hours(5))
    assert rows["fcfs"].revenue == pytest.approx(6 * price)
    assert rows["fcfs"].share_of_bound == pytest.approx(1.0)
    assert rows["fcfs"].spread is not None
    assert (rows["fcfs"].spread.owners, rows["fcfs"].spread.gini) == (6, 0)
    assert rows["fcfs"].shares == [1.0]
    assert found.is_bound_proved
    assert [row.accepted for row in found.sweep("thresholds")][:1] == [6]
    assert [wish.number for wish in found.wishes(0) if "fcfs" in wish.refused_by] == ["r7"]
    assert [table_of(found, name).name for name in TABLES] == list(TABLES)


def test_a_comparison_goes_on_where_it_was(run):
    calls = iter([True, True, False])
    assert not laboratory.work_on(run_id=run.pk, now=LATER, may_go_on=lambda: next(calls))
    first = list(run.steps.order_by("pk").values_list("pk", "day", "name"))

    assert laboratory.work_on(run_id=run.pk, now=LATER)

    assert [name for _pk, _day, name in first] == list(STEPS[:3])
    assert list(run.steps.order_by("pk").values_list("pk", "day", "name"))[:3] == first
    assert run.steps.count() == 7 * len(STEPS)


def test_two_workers_do_not_compute_the_same(run):
    LabRun.objects.filter(pk=run.pk).update(claimed_until=LATER + CLAIM, state="RUNNING")

    assert laboratory.work_on(run_id=run.pk, now=LATER)

    assert run.steps.count() == 0
    assert laboratory.runs_to_work_on(now=LATER) == []
    assert laboratory.runs_to_work_on(now=LATER + 2 * CLAIM) == [run.pk]


def test_a_comparison_can_be_cancelled_between_two_steps(run):
    def cancelled_meanwhile() -> bool:
        laboratory.cancel(run=run)
        return True

    assert laboratory.work_on(run_id=run.pk, now=LATER, may_go_on=cancelled_meanwhile)

    run.refresh_from_db()
    assert (run.state, run.steps_done) == ("CANCELLED", 1)
    with pytest.raises(LaboratoryRefused, match="ended already"):
        laboratory.cancel(run=run)


def test_a_comparison_ends_when_its_budget_is_used(run):
    LabRun.objects.filter(pk=run.pk).update(seconds_used=BUDGET_S + 1)

    assert laboratory.work_on(run_id=run.pk, now=LATER)

    run.refresh_from_db()
    assert (run.state, run.steps_done) == ("OUT_OF_TIME", 0)
    assert comparison_of(run).days == []


def test_a_step_at_which_workers_die_is_passed_over(run):
    LabRun.objects.filter(pk=run.pk).update(attempts=laboratory.MOST_ATTEMPTS)

    laboratory.work_on(run_id=run.pk, now=LATER)

    assert run.steps.get(day=0, name=STEPS[0]).found == {"too_long": True}
    rows = comparison_of(run).policies
    assert [row.is_whole for row in rows] == [False] + [True] * 7
    assert run.steps.filter(found={"too_long": True}).count() == 1


def test_a_week_that_is_not_over_is_refused(lot):
    with pytest.raises(LaboratoryRefused, match="not over yet"):
        laboratory.compare_week(lot=lot, first_date=MONDAY, made_by=None, now=NOW + timedelta(days=7))


def test_only_so_many_at_once(lot):
    for _ in range(MOST_UNDER_WAY):
        laboratory.compare_week(lot=lot, first_date=MONDAY, made_by=None, now=LATER)

    with pytest.raises(LaboratoryRefused, match="Wait until one has ended"):
        laboratory.compare_week(lot=lot, first_date=MONDAY, made_by=None, now=LATER)


def test_an_uploaded_day_is_compared():
    district = District.objects.create(city="Here", name="Home")
    run = laboratory.compare_file(
        district=district, file_name="../../a\x00.json", content=small_instance(), made_by=None, now=NOW
    )

    laboratory.work_on(run_id=run.pk, now=NOW)

    run.refresh_from_db()
    found = comparison_of(run)
    assert (run.file_name, run.state, found.requests, found.owners) == ("a.json", "DONE", 12, 0)
    assert {row.spread.gini for row in found.policies if row.spread} == {None}
    assert table_of(found, "fairness").rows == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"nonsense", "The file is no instance: instance: is not JSON in line 1"),
        (b"{}", "slot_minutes"),
        (b" " * (laboratory.MOST_BYTES + 1), "larger than 4 MB"),
    ],
)
def test_a_malformed_upload_is_refused_in_a_sentence(content, sentence):
    with pytest.raises(LaboratoryRefused, match=sentence):
        laboratory.uploaded_day(content)


@pytest.mark.parametrize(("spaces", "requests", "words"), [(301, 1, "300 bays"), (1, 1001, "1000 requests")])
def test_an_upload_that_is_too_large_is_refused(spaces, requests, words):
    day = generate_instance(np.random.default_rng(1), spaces=spaces, requests=requests)

    with pytest.raises(LaboratoryRefused, match=words):
        laboratory.uploaded_day(json.dumps(instance_document(day)).encode())


def test_tasks_answer_under_the_names_that_bells_use(run):
    importlib.import_module("allocation.tasks")  # as a worker does

    current_app.tasks["allocation.continue_lab_runs"]()
    current_app.tasks["allocation.work_on_lab_run"](run_id=run.pk)

    run.refresh_from_db()
    assert run.steps_done > 0
    assert run.claimed_until is None


def test_the_command_writes_what_the_pages_show(tmp_path, lot):
    (tmp_path / "day.json").write_bytes(small_instance())

    call_command("allocation_report", f"--instance={tmp_path / 'day.json'}", f"--output={tmp_path / 'out'}")

    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {f"{name}.csv" for name in TABLES} | {"thresholds.svg", "weights.svg", "day1-shared.svg"}
    assert {f"day1-{name}.svg" for name in ALL_POLICIES} <= names
    assert read_instance(small_instance()).space_ids[0] in (tmp_path / "out" / "spaces.csv").read_text("utf-8-sig")
    call_command("allocation_report", f"--lot={lot.pk}", f"--week={MONDAY}", f"--output={tmp_path / 'lot'}")
    assert len((tmp_path / "lot" / "refused.csv").read_text("utf-8-sig").splitlines()) == 8
    with pytest.raises(CommandError, match="Nobody asked"):
        call_command("allocation_report", f"--lot={lot.pk}", "--week=2020-01-06", f"--output={tmp_path}")


@pytest.mark.django_db(transaction=True)
def test_workers_that_come_at_once_take_turns():
    """Four workers are rung for, as after a lapsed claim: every step is there once, and all is counted."""
    district = District.objects.create(city="Here", name="Home")
    run = laboratory.compare_file(
        district=district, file_name="day.json", content=small_instance(), made_by=None, now=NOW
    )

    answers = at_once([lambda: laboratory.work_on(run_id=run.pk, now=NOW)] * 4)

    run.refresh_from_db()
    assert answers == [True] * 4
    assert (run.state, run.steps_done, run.steps.count()) == ("DONE", len(STEPS), len(STEPS))


@pytest.mark.django_db(transaction=True)
def test_workers_whose_claims_lapse_meanwhile_still_count_every_step_once():
    """A clock that runs fast lets the claim lapse while the first worker computes."""
    district = District.objects.create(city="Here", name="Home")
    run = laboratory.compare_file(
        district=district, file_name="day.json", content=small_instance(), made_by=None, now=NOW
    )

    answers = at_once([partial(laboratory.work_on, run_id=run.pk, now=NOW + 2 * n * CLAIM) for n in range(3)])

    run.refresh_from_db()
    assert answers == [True] * 3
    assert (run.state, run.steps_done, run.steps.count()) == ("DONE", len(STEPS), len(STEPS))
