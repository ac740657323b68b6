"""An owner's bays over REST: when they are shared, and when not."""

import pytest

from parking_share import clock
from parking_share.spaces.models import ShareRule
from tests.factories import make_lot, make_space, make_user
from tests.interface.api import Caller, driver, period

ALWAYS = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "starts_at_local": "08:30", "ends_at_local": "18:00"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return Caller(make_user())


@pytest.fixture
def space(owner):
    return make_space(make_lot(), owner=owner.user)


def offer(owner, space, **fields):
    first_date = {"first_date": clock.now().date().isoformat()}
    return owner.post(f"spaces/{space.pk}/rules", ALWAYS | first_date | fields)


def windows(owner, space):
    return owner.get(f"spaces/{space.pk}/windows", period(0, 24 * 7)).json()["results"]


def test_list_and_detail_show_the_owners_bays(owner, space):
    make_space(space.lot, owner=make_user())

    listed = owner.get("spaces").json()["results"]

    assert listed == [owner.get(f"spaces/{space.pk}").json()]
    assert (listed[0]["label"], listed[0]["lot"]["id"]) == (space.label, space.lot_id)
    assert listed[0]["return_margin_min"] == 15


def test_publish_makes_windows_that_end_the_margin_early(owner, space):
    published = offer(owner, space)

    assert published.status_code == 201, published.content
    assert published.json()["weekdays"] == [1, 2, 3, 4, 5, 6, 7]
    assert (published.json()["starts_at_local"], published.json()["ends_at_local"]) == ("08:30", "18:00")
    assert {window["ends_at"][10:] for window in windows(owner, space)} == {"T09:45:00Z"}  # 17:45 in Shanghai
    assert owner.get(f"spaces/{space.pk}/rules").json()["results"] == [published.json()]


def test_another_margin_changes_the_windows(owner, space):
    offer(owner, space)

    changed = owner.patch(f"spaces/{space.pk}", {"return_margin_min": 60})

    assert (changed.status_code, changed.json()["return_margin_min"]) == (200, 60)
    assert {window["ends_at"][10:] for window in windows(owner, space)} == {"T09:00:00Z"}


def test_withdraw_ends_the_offer(owner, space):
    rule = offer(owner, space).json()["id"]

    withdrawn = owner.delete(f"spaces/{space.pk}/rules/{rule}")

    assert withdrawn.status_code == 204
    assert windows(owner, space) == []
    assert owner.get(f"spaces/{space.pk}/rules").json()["results"] == []
    assert owner.delete(f"spaces/{space.pk}/rules/{rule}").status_code == 404


def test_hours_taken_out_leave_a_hole(owner, space):
    offer(owner, space, starts_at_local="00:00", ends_at_local="00:00")
    before = windows(owner, space)
    hole = period(48, 50)

    taken = owner.post(f"spaces/{space.pk}/exceptions", hole)
    after = windows(owner, space)

    assert taken.status_code == 201
    assert owner.get(f"spaces/{space.pk}/exceptions").json()["results"] == [taken.json()]
    assert len(after) == len(before) + 1
    assert not any(window["starts_at"] < taken.json()["starts_at"] < window["ends_at"] for window in after)


def test_hours_that_are_over_can_not_be_taken_out(owner, space):
    answer = owner.post(f"spaces/{space.pk}/exceptions", period(-3, -1))

    assert (answer.status_code, answer.json()["code"]) == (409, "share_refused")


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekdays": []},
        {"weekdays": [0]},
        {"weekdays": [8]},
        {"starts_at_local": "25:00"},
        {"starts_at_local": "08:30:00Z"},
        {"first_date": "0001-01-01"},
        {"last_date": "9999-12-31"},
        {"last_date": "2001-01-01"},
    ],
)
def test_publish_refuses_a_field_out_of_bounds(owner, space, wrong):
    answer = offer(owner, space, **wrong)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(wrong))
    assert not ShareRule.objects.exists()


@pytest.mark.parametrize("minutes", [-1, 241, None, "much"])
def test_a_margin_out_of_bounds_is_refused(owner, space, minutes):
    assert owner.patch(f"spaces/{space.pk}", {"return_margin_min": minutes}).status_code == 400


def test_a_bay_of_somebody_else_is_not_there(owner, space):
    rule = offer(owner, space).json()["id"]
    stranger = driver()

    answers = [
        stranger.get(f"spaces/{space.pk}"),
        stranger.patch(f"spaces/{space.pk}", {"return_margin_min": 0}),
        stranger.get(f"spaces/{space.pk}/rules"),
        offer(stranger, space),
        stranger.delete(f"spaces/{space.pk}/rules/{rule}"),
        stranger.get(f"spaces/{space.pk}/windows", period()),
        stranger.get(f"spaces/{space.pk}/exceptions"),
        stranger.post(f"spaces/{space.pk}/exceptions", period()),
    ]

    assert [answer.status_code for answer in answers] == [404] * 8
    assert stranger.get("spaces").json()["results"] == []
    space.refresh_from_db()
    assert (space.return_margin_min, space.rules.count()) == (15, 1)


def test_a_rule_of_another_bay_is_not_there(owner, space):
    other = make_space(space.lot, owner=owner.user)
    rule = offer(owner, other).json()["id"]

    assert owner.delete(f"spaces/{space.pk}/rules/{rule}").status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("suffix", "queries"), [("", 3), ("/{pk}/rules", 4), ("/{pk}/windows", 4), ("/{pk}/exceptions", 4)]
)
def test_lists_cost_the_same_however_long(django_assert_num_queries, owner, space, rows, suffix, queries):
    for number in range(rows):
        make_space(space.lot, owner=owner.user)
        offer(owner, space, starts_at_local=f"{8 + 2 * number:02d}:00", ends_at_local=f"{9 + 2 * number:02d}:00")
        owner.post(f"spaces/{space.pk}/exceptions", period(24 + number, 24.5 + number))
    asked = period(0, 24 * 7) if "windows" in suffix else None

    with django_assert_num_queries(queries):
        answer = owner.get("spaces" + suffix.format(pk=space.pk), asked)

    assert answer.status_code == 200
    assert answer.json()["count"] >= rows


def test_windows_of_a_period_leave_out_what_lies_outside(owner, space):
    offer(owner, space)
    shown = windows(owner, space)

    one_day = owner.get(
        f"spaces/{space.pk}/windows", {"starts_at": shown[2]["starts_at"], "ends_at": shown[2]["ends_at"]}
    )

    assert one_day.json()["results"] == [shown[2]]
