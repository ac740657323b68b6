"""The gates' page of managers and guards: answers with their reasons, opening by hand, asking about a plate."""

import logging

import pytest
from django.urls import reverse

from parking_share.fulfilment.models import GateAnswer
from parking_share.spaces.models import Lot, Role
from tests.devices import make_gate
from tests.factories import NOW, grant, hours, make_lot, make_user
from tests.interface.pages import MOST_QUERIES, at, client_of, queries_of, text_of
from tests.interface.sensor_rows import make_answer, make_listed

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot() -> Lot:
    lot = make_lot(name="Bamboo Court")
    make_gate(lot, name="East")
    return lot


@pytest.fixture
def guard(lot):
    user = make_user(display_name="Li")
    grant(user, Role.GUARD, lot=lot)
    return user


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def test_a_guard_who_watches_one_lot_is_led_to_its_gates(guard, lot):
    client = client_of(guard)

    assert client.get(page("gates"))["Location"] == page("lot_gates", lot.pk)
    assert "Gates I watch" in text_of(client.get(page("lot_gates", lot.pk)))
    assert page("manager_rules", lot.pk) not in client.get(page("lot_gates", lot.pk)).content.decode()
    assert client.get(page("manager_lot", lot.pk)).status_code == 404


def test_a_guard_of_two_lots_chooses(guard, lot):
    second = make_lot(name="Second Court")
    make_gate(second)
    grant(guard, Role.GUARD, lot=second)

    shown = text_of(client_of(guard).get(page("gates")))

    assert "Bamboo Court" in shown
    assert "Second Court" in shown


def test_a_manager_finds_the_gates_among_the_pages_of_the_lot(lot):
    manager = make_user()
    grant(manager, Role.MANAGER, lot=lot)

    shown = client_of(manager).get(page("lot_gates", lot.pk)).content.decode()

    assert page("manager_rules", lot.pk) in shown


def test_an_opening_by_hand_needs_a_reason_and_stays_on_record(guard, lot, monkeypatch):
    client, gate = client_of(guard), lot.gates.get()

    with at(monkeypatch):
        refused = client.post(page("gate_open", lot.pk, gate.pk), {"note": " "})
        done = client.post(page("gate_open", lot.pk, gate.pk), {"note": "camera blind in the rain"}, follow=True)

    answer = GateAnswer.objects.get()
    assert refused.status_code == 400
    assert (answer.opens, answer.verdict, answer.actor, answer.note) == (
        True,
        "OPENED_BY_GUARD",
        guard,
        "camera blind in the rain",
    )
    assert "That you opened East is on record." in text_of(done)
    assert "Li: camera blind in the rain" in text_of(done)


def test_answers_are_told_with_their_reason_and_can_be_narrowed(guard, lot):
    client, gate = client_of(guard), lot.gates.get()
    west = make_gate(lot, name="West")
    make_answer(gate, verdict="RESERVED")
    make_answer(west, verdict="UNKNOWN_PLATE", opens=False)
    make_answer(make_gate(make_lot()), verdict="NO_PLATE", opens=False)

    everything = text_of(client.get(page("lot_gates", lot.pk)))
    shut = text_of(client.get(page("lot_gates", lot.pk), {"which": "shut"}))
    of_east = text_of(client.get(page("lot_gates", lot.pk), {"gate": gate.pk}))

    assert "reserved" in everything
    assert "no reservation and on no list" in everything
    assert "no plate was read" not in everything
    assert "no reservation and on no list" in shut
    assert "reserved" not in shut
    assert "no reservation and on no list" not in of_east


def test_a_guard_asks_about_a_plate_and_nothing_opens(guard, lot, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    make_listed(lot, "粤B77777", valid_from=NOW - hours(1))
    client = client_of(guard)

    with at(monkeypatch):
        welcome = client.post(page("gate_ask", lot.pk), {"plate": "粤b 77777"})
        unknown = client.post(page("gate_ask", lot.pk), {"plate": "粤B11111"})
        wrong = client.post(page("gate_ask", lot.pk), {"plate": "?!"})

    assert "粤B••777: yes, on the manager's list." in text_of(welcome)
    assert "粤B••111: no, no reservation and on no list." in text_of(unknown)
    assert "does not look like a number plate" in text_of(wrong)
    assert not GateAnswer.objects.exists()
    assert "77777" not in text_of(welcome)
    assert "77777" not in "".join(str(one.__dict__) for one in caplog.records if one.name != "django.db.backends")


def test_another_lots_gates_are_not_there(guard, lot):
    theirs, client = make_lot(), client_of(guard)
    gate = make_gate(theirs)

    answers = [
        client.get(page("lot_gates", theirs.pk)),
        client.post(page("gate_ask", theirs.pk), {"plate": "粤B11111"}),
        client.post(page("gate_open", theirs.pk, gate.pk), {"note": "let me in"}),
        client.post(page("gate_open", lot.pk, gate.pk), {"note": "let me in"}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert not GateAnswer.objects.exists()


@pytest.mark.parametrize("role", [None, Role.GATEWAY])
def test_who_watches_no_gate_finds_nothing(role, lot):
    user = make_user()
    if role:
        grant(user, role, lot=lot)
    client = client_of(user)

    assert [client.get(url).status_code for url in (page("gates"), page("lot_gates", lot.pk))] == [404, 404]


def test_a_stranger_is_asked_to_sign_in(client, lot):
    gate = lot.gates.get()

    for url in (page("gates"), page("lot_gates", lot.pk)):
        assert client.get(url)["Location"].startswith(reverse("account_login"))
    assert client.post(page("gate_open", lot.pk, gate.pk), {"note": "x y z"})["Location"].startswith("/account/login")


def test_pages_cost_the_same_for_one_row_and_for_three(guard, lot):
    client, url = client_of(guard), page("lot_gates", lot.pk)

    def grow() -> None:
        make_answer(make_gate(lot), actor=guard, note="because", asked_by="GUARD")
        other = make_lot()
        make_gate(other)
        grant(guard, Role.GUARD, lot=other)

    grow()
    before = queries_of(client, url), queries_of(client, page("gates"))
    grow()
    grow()

    assert (queries_of(client, url), queries_of(client, page("gates"))) == before
    assert max(before) <= MOST_QUERIES
