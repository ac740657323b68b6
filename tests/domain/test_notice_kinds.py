"""Notices of a kind of their own: told once, in the reader's words, on the lot's clock."""

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import translation

from parking_share.notices.models import Notice
from parking_share.notices.selectors import is_told, notices_of
from parking_share.notices.services import mail_notices, tell, write_notices
from parking_share.notices.words import sentences_of
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, change_spaces, make_transition
from tests.domain.lives import accepted, announced
from tests.factories import NOW, hours, make_shared_lot, make_user

pytestmark = pytest.mark.django_db

TEN, LATER = (NOW + hours(2)).isoformat(), (NOW + hours(3.25)).isoformat()
SAID = {
    "ENDING_SOON": (
        {"space": "A1", "ends_at": TEN, "stay_until": LATER},
        ["Your time in bay A1 ends at 10:00.", "You can stay until 11:15: extend your reservation."],
    ),
    "OVERSTAY": (
        {"space": "A1", "ends_at": TEN, "charged_from": LATER, "cents_an_hour": 1600, "currency": "CNY"},
        ["Your time in bay A1 ended at 10:00. Please drive off.", "From 11:15 on an hour costs 16.00 CNY."],
    ),
    "PROMISE_BROKEN": (
        {"offered_lot": "Next door", "distance_m": 240, "compensation_cents": 500, "currency": "JPY"},
        [
            "A bay is kept for you at Next door, 240 metres away, at no extra cost. Cancel it if you do not want it.",
            "You owe nothing for it, and 500 JPY are due to you.",
        ],
    ),
    "ASKED_TO_MOVE": (
        {"space": "A1", "lot": "Here"},
        ["Your car was seen in bay A1 of Here, which is kept for somebody else now."],
    ),
    "COME_LATER": ({"earliest_at": LATER}, ["Come back to the gate at 11:15."]),
}


@pytest.mark.parametrize("kind", sorted(SAID))
def test_every_kind_says_its_facts_on_the_clock_of_the_lot(kind):
    facts, said = SAID[kind]
    reservation = accepted(make_shared_lot())
    notice = Notice(recipient=reservation.driver, kind=kind, reservation=reservation, facts=facts)

    with translation.override("en"):
        assert sentences_of(notice) == said


def test_all_kinds_but_events_have_words():
    assert set(SAID) == set(Notice.Kind.values) - {"EVENT"}
    assert sentences_of(Notice(kind="EVENT")) == []


def test_a_bay_that_is_needed_and_a_promise_without_an_offer_say_so():
    reservation = accepted(make_shared_lot())
    needed = Notice(
        kind="ENDING_SOON", reservation=reservation, facts={"space": "A1", "ends_at": TEN, "stay_until": TEN}
    )
    nothing = Notice(
        kind="PROMISE_BROKEN", reservation=reservation, facts={"compensation_cents": 1250, "currency": "CNY"}
    )

    with translation.override("en"):
        assert sentences_of(needed)[1] == "Your bay is needed right after it. Please drive off in time."
        assert sentences_of(nothing) == [
            "No other bay is free nearby. We are sorry.",
            "You owe nothing for it, and 12.50 CNY are due to you.",
        ]


def test_a_notice_is_told_once_under_its_key():
    reader = make_user()
    for _ in range(2):
        tell(recipient_id=reader.pk, kind=Notice.Kind.COME_LATER, facts={"earliest_at": TEN}, once_key="a", now=NOW)

    assert notices_of(reader).count() == 1
    assert (is_told("a"), is_told("b")) == (True, False)


@pytest.mark.parametrize("fields", [{"kind": "OVERSTAY"}, {"kind": "EVENT", "once_key": "a"}])
def test_a_notice_without_event_or_key_is_impossible(fields):
    with pytest.raises(IntegrityError, match="notice_has_an_event"), transaction.atomic():
        Notice.objects.create(recipient=make_user(), created_at=NOW, **fields)


def test_it_is_mailed_with_its_sentences_and_with_or_without_a_reservation():
    reservation = announced(make_shared_lot(name="Smith's & Sons"))
    facts, said = SAID["ENDING_SOON"]
    tell(
        recipient_id=reservation.driver_id,
        kind=Notice.Kind.ENDING_SOON,
        reservation=reservation,
        facts=facts,
        once_key="ending",
        now=NOW,
    )
    tell(
        recipient_id=make_user().pk,
        kind=Notice.Kind.ASKED_TO_MOVE,
        facts=SAID["ASKED_TO_MOVE"][0],
        once_key="asked",
        now=NOW,
    )

    assert mail_notices(now=NOW) == 2
    ending, asked = mail.outbox
    assert ending.subject == "Smith's & Sons: Your time ends soon."
    assert said[0] in ending.body
    assert "2026-11-23 09:00" in ending.body
    assert asked.subject == "Please move your car."
    assert "bay A1 of Here" in asked.body


@pytest.mark.django_db(transaction=True)
def test_what_has_a_notice_of_its_own_is_not_told_as_an_event_too():
    lost, unannounced = announced(make_shared_lot()), accepted(make_shared_lot())
    for row, reason in ((lost, Reason.SPACE_LOST), (unannounced, Reason.NEVER_ANNOUNCED)):
        make_transition(Change(reservation_id=row.pk, to=Status.RELEASED, reason=reason), at=NOW)

    write_notices(now=NOW)

    told = Notice.objects.filter(event__to_status=Status.RELEASED).values_list("event__reason", flat=True)
    assert list(told) == [Reason.NEVER_ANNOUNCED]


@pytest.mark.django_db(transaction=True)
def test_a_move_is_told_once_the_bay_was_announced():
    lot = make_shared_lot(spaces=4)
    known, tentative = announced(lot), accepted(lot, starts_in=6, ends_in=8)
    write_notices(now=NOW)
    Notice.objects.all().delete()
    free = [space for space in lot.spaces.all() if space.pk not in {known.space_id, tentative.space_id}]

    change_spaces({known.pk: free[0].pk, tentative.pk: free[1].pk}, at=NOW, reason=Reason.OVERSTAYED)
    write_notices(now=NOW)
    mail_notices(now=NOW)

    notice = Notice.objects.get()
    assert (notice.recipient, notice.event.reservation) == (known.driver, known)
    assert "The car before had not left" in mail.outbox[-1].body
    assert f"Bay {free[0].label}" in mail.outbox[-1].body
