"""What goes wrong in the simulated day, before any of it meets the site."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from parking_share.demo.simulation.conduct import Faults, draw_conduct, misread
from parking_share.demo.simulation.diary import Diary

STARTS_AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
ENDS_AT = STARTS_AT + timedelta(hours=3)


def _conducts(faults, *, seed=5, n=400):
    rng = np.random.default_rng(seed)
    return [draw_conduct(starts_at=STARTS_AT, ends_at=ENDS_AT, faults=faults, rng=rng) for _ in range(n)]


def test_without_faults_everybody_comes_in_time_and_leaves_before_the_end():
    conducts = _conducts(Faults.none())

    assert all(one.comes and not one.takes_another_bay and not one.meets_an_intruder for one in conducts)
    assert all(STARTS_AT <= one.arrives_at < one.leaves_at < ENDS_AT for one in conducts)


def test_faults_happen_about_as_often_as_stated():
    conducts = _conducts(Faults(stays_away=0.5, overstays=0.25, comes_early=0, leaves_early=0))

    assert 160 <= sum(not one.comes for one in conducts) <= 240
    assert 70 <= sum(one.leaves_at > ENDS_AT for one in conducts) <= 130


def test_the_same_seed_gives_the_same_day():
    assert _conducts(Faults(), seed=3) == _conducts(Faults(), seed=3)
    assert _conducts(Faults(), seed=3) != _conducts(Faults(), seed=4)


def test_a_share_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match=r"lost must be a share from 0 to 1, got 1\.5"):
        Faults(lost=1.5)


def test_a_misread_plate_differs_in_one_character_that_looks_alike():
    plate = "贵Z18052"

    seen = {misread(plate, np.random.default_rng(seed)) for seed in range(50)}

    assert plate not in seen
    assert all(sum(one != other for one, other in zip(plate, text, strict=True)) == 1 for text in seen)


def test_a_plate_without_such_characters_is_read_right():
    assert misread("贵Z", np.random.default_rng(0)) == "贵2"
    assert misread("贵A33467", np.random.default_rng(0)) == "贵A33467"


def test_the_diary_hands_out_what_is_due_in_order_and_keeps_the_rest():
    diary, done = Diary(), []
    diary.at(ENDS_AT, lambda _: done.append("last"))
    diary.at(STARTS_AT, lambda _: done.append("first"))
    diary.at(STARTS_AT, lambda now: diary.at(now, lambda _: done.append("written meanwhile")))

    for instant, deed in diary.due(STARTS_AT):
        deed(instant)

    assert done == ["first", "written meanwhile"]
    assert len(diary) == 1
    assert diary.next_at == ENDS_AT
