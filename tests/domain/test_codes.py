"""One-time codes, the manager's list, opening by hand."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from parking_share.fulfilment import codes, guard, lists
from parking_share.fulfilment.codes import CodeRefused, TooManyWrongCodes, issue_code, use_code
from parking_share.fulfilment.lists import ListRefused
from parking_share.fulfilment.models import EntryCode, GateAnswer, ListedPlate
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import cancel_reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Role
from parking_share.spaces.selectors import gates_guarded_by
from sensors.models import Stay
from tests.factories import NOW, grant, hours, make_lot, make_shared_lot, make_user
from tests.gates import book, make_gate, minutes

pytestmark = pytest.mark.django_db
Verdict = GateAnswer.Verdict


@pytest.fixture
def lot():
    return make_shared_lot(spaces=2, starts_at=NOW - hours(4), ends_at=NOW + hours(20))


@pytest.fixture
def gate(lot):
    return make_gate(lot)


def issue(reservation, now=NOW):
    return issue_code(reservation_id=reservation.pk, actor=reservation.driver, now=now)[0]


def show(gate, code, now=NOW):
    answer = use_code(gate=gate, code=code, now=now)
    return answer.verdict, answer.opens


def test_code_opens_once_and_the_car_is_there(lot, gate):
    mine = book(lot)
    code, expires_at = issue_code(reservation_id=mine.pk, actor=mine.driver, now=NOW)

    assert (len(code), code.isdigit(), expires_at) == (8, True, mine.held_until)
    assert show(gate, code) == (Verdict.RESERVED, True)
    assert show(gate, code) == (Verdict.WRONG_CODE, False)
    mine.refresh_from_db()
    assert (mine.status, Stay.objects.get().reservation) == (Status.PARKED, mine)
    assert list(GateAnswer.objects.order_by("pk").values_list("asked_by", "reservation")) == [
        ("CODE", mine.pk),
        ("CODE", None),
    ]


def test_code_is_kept_as_a_hash_that_needs_our_key(lot, settings):
    mine = book(lot)
    code = issue(mine)

    kept = EntryCode.objects.get().code_hash
    assert (code not in kept, kept) == (True, codes.hash_of(code))
    settings.SECRET_KEY = "another" * 8
    assert codes.hash_of(code) != kept


def test_new_code_replaces_the_one_before(lot, gate):
    mine = book(lot)
    before, after = issue(mine), issue(mine)

    assert show(gate, before) == (Verdict.WRONG_CODE, False)
    assert show(gate, after) == (Verdict.RESERVED, True)


def test_code_opens_only_gates_of_its_lot(lot, gate):
    code = issue(book(lot))

    assert show(make_gate(make_lot()), code) == (Verdict.WRONG_CODE, False)
    assert show(gate, code) == (Verdict.RESERVED, True)


def test_code_that_comes_too_early_stays_good(lot, gate):
    mine = book(lot, starts_in=6, ends_in=8)
    code = issue(mine)

    assert show(gate, code) == (Verdict.TOO_EARLY, False)
    assert show(gate, code, NOW + hours(6)) == (Verdict.RESERVED, True)


def test_code_gets_a_bay_announced_that_is_free_already(lot, gate):
    mine = book(lot, starts_in=1, ends_in=2, status=Status.ACCEPTED)

    assert show(gate, issue(mine)) == (Verdict.ADMITTED_EARLY, True)
    assert Reservation.objects.get().status == Status.PARKED


def test_code_ends_with_the_reservation(lot, gate):
    mine, theirs = book(lot), book(lot)
    code, cancelled = issue(mine), issue(theirs)
    cancel_reservation(reservation_id=theirs.pk, actor=theirs.driver, now=NOW)

    assert show(gate, cancelled) == (Verdict.UNKNOWN_PLATE, False)
    assert show(gate, code, mine.held_until) == (Verdict.WRONG_CODE, False)


def test_code_lets_whoever_is_inside_out_also_late(lot):
    mine, way_out = book(lot), make_gate(lot, Gate.Kind.EXIT)
    show(make_gate(lot, Gate.Kind.ENTRY), issue(mine))
    late = mine.ends_at + minutes(20)

    assert show(way_out, issue(mine, late), late) == (Verdict.LEAVING, True)
    mine.refresh_from_db()
    assert (mine.status, Stay.objects.get().ended_at) == (Status.COMPLETED, late)


def test_code_is_for_the_driver_of_a_reservation_that_holds(lot):
    mine, over = book(lot), book(lot)
    cancel_reservation(reservation_id=over.pk, actor=over.driver, now=NOW)

    for reservation, actor, now in (
        (mine, make_user(), NOW),
        (over, over.driver, NOW),
        (mine, mine.driver, mine.ends_at),
    ):
        with pytest.raises(CodeRefused):
            issue_code(reservation_id=reservation.pk, actor=actor, now=now)


def test_five_wrong_codes_close_the_gate_for_codes_for_five_minutes(lot, gate):
    code = issue(book(lot))
    for wrong in range(5):
        assert show(gate, f"0000000{wrong}", NOW + timedelta(seconds=wrong)) == (Verdict.WRONG_CODE, False)

    with pytest.raises(TooManyWrongCodes):
        show(gate, code, NOW + minutes(4.9))
    assert show(make_gate(lot), code, NOW + minutes(4.9)) == (Verdict.RESERVED, True)
    with pytest.raises(TooManyWrongCodes):
        show(gate, code, NOW + minutes(4.9))
    assert show(gate, "00000009", NOW + minutes(5.1)) == (Verdict.WRONG_CODE, False)


def test_codes_are_forgotten_a_day_after_their_end(lot):
    old, new = book(lot, ends_in=1), book(lot, ends_in=3)
    for reservation in (old, new):
        issue(reservation)

    assert codes.forget_codes(now=NOW + hours(26)) == 1
    assert EntryCode.objects.get().reservation == new


def test_code_is_shown_as_an_image_without_styles_or_scripts():
    image = codes.code_as_svg("40718233")

    assert (image[:4], image.rstrip()[-6:]) == ("<svg", "</svg>")
    assert not any(word in image for word in ("style=", "<script", "http"))


def test_guard_opens_with_a_reason_that_nobody_can_change(gate):
    actor = make_user()

    answer = guard.open_by_guard(gate=gate, actor=actor, note="  Ambulance   for 3B ", now=NOW)

    row = GateAnswer.objects.get()
    assert (answer.opens, row.actor, row.note, row.verdict) == (True, actor, "Ambulance for 3B", "OPENED_BY_GUARD")
    with pytest.raises(DatabaseError), transaction.atomic():
        GateAnswer.objects.update(note="Nothing happened")


@pytest.mark.parametrize("note", ["", "  ", "x", "x" * 201])
def test_guard_needs_a_reason(gate, note):
    with pytest.raises(guard.ReasonMissing):
        guard.open_by_guard(gate=gate, actor=make_user(), note=note, now=NOW)
    assert GateAnswer.objects.count() == 0


def test_guards_and_managers_watch_the_gates_of_their_lots_only(gate):
    elsewhere = make_gate(make_lot())
    people = {role: make_user() for role in (Role.GUARD, Role.MANAGER, Role.GATEWAY, Role.OPERATOR)}
    for role, person in people.items():
        grant(person, role, **({} if role == Role.OPERATOR else {"lot": gate.lot}))

    watched = {role: sorted(gates_guarded_by(person).values_list("pk", flat=True)) for role, person in people.items()}

    assert watched == {
        Role.GUARD: [gate.pk],
        Role.MANAGER: [gate.pk],
        Role.GATEWAY: [],
        Role.OPERATOR: [gate.pk, elsewhere.pk],
    }


def add(lot, plate="粤B12345", **fields):
    values = {"lot": lot, "actor": make_user(), "plate": plate, "valid_from": NOW, "now": NOW}
    return lists.add_plate(**values | fields)


def test_listed_plate_is_encrypted_and_listed_once(lot):
    row = add(lot, "粤b·12345", label="Kitchen")

    assert (row.plate_encrypted != "粤B12345".encode(), row.label) == (True, "Kitchen")
    assert list(lists.listed_in(lot, now=NOW)) == [row]
    with pytest.raises(ListRefused):
        add(lot)
    add(make_lot())


def test_listed_plate_may_come_back_once_it_is_removed_or_over(lot):
    first = add(lot)
    lists.remove_plate(lot=make_lot(), listed_id=first.pk, now=NOW)
    assert ListedPlate.objects.get().removed_at is None, "another lot's manager removes nothing"
    lists.remove_plate(lot=lot, listed_id=first.pk, now=NOW)
    add(lot, valid_until=NOW + hours(1))

    again = add(lot, now=NOW + hours(1), valid_from=NOW + hours(1))

    assert list(lists.listed_in(lot, now=NOW + hours(1))) == [again]


def test_listed_plate_ends_after_it_begins(lot):
    for valid_until in (NOW, NOW - hours(1)):
        with pytest.raises(ListRefused):
            add(lot, valid_until=valid_until)
