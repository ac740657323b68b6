"""Notices of a kind of their own, on the page and over REST."""

import pytest
from django.urls import reverse

from parking_share.notices.models import Notice
from parking_share.notices.services import tell
from tests.domain.lives import accepted
from tests.factories import NOW, make_shared_lot, make_user
from tests.interface.api import driver
from tests.interface.pages import client_of, text_of

pytestmark = pytest.mark.django_db


def told(reader, *, reservation=None, key="key", **facts) -> None:
    kind = Notice.Kind.ENDING_SOON if reservation else Notice.Kind.ASKED_TO_MOVE
    ends_at = NOW.isoformat()
    facts = {"space": "A2", "ends_at": ends_at, "stay_until": ends_at, "lot": "Here"} | facts
    tell(recipient_id=reader.pk, kind=kind, reservation=reservation, facts=facts, once_key=key, now=NOW)


def test_page_says_what_is_to_be_known_and_links_to_the_reservation_or_its_replacement():
    reservation, other = accepted(make_shared_lot()), accepted(make_shared_lot())
    reader = reservation.driver
    told(reader, reservation=reservation)
    told(reader, reservation=reservation, key="with a replacement", replacement=other.pk)
    told(reader, key="without a reservation")

    page = client_of(reader).get(reverse("web:notices"))

    shown = text_of(page)
    assert "Your time in bay A2 ends at 08:00." in shown
    assert "Your car was seen in bay A2 of Here, which is kept for somebody else now." in shown
    for pk in (reservation.pk, other.pk):
        assert reverse("web:reservation", args=[pk]).encode() in page.content


def test_a_stranger_reads_nothing_of_it():
    reservation = accepted(make_shared_lot())
    told(reservation.driver, reservation=reservation)

    assert "A2" not in text_of(client_of(make_user()).get(reverse("web:notices")))


def test_list_tells_kinds_and_sentences():
    calls = driver()
    reservation = accepted(make_shared_lot(), driver=calls.user)
    told(calls.user, reservation=reservation)
    told(calls.user, key="without a reservation")

    without, ending = calls.get("notices").json()["results"]

    assert (ending["kind"], ending["reservation"], ending["lot_name"]) == (
        "ENDING_SOON",
        reservation.pk,
        reservation.lot.name,
    )
    assert ending["sentences"][0] == "Your time in bay A2 ends at 08:00."
    assert (ending["status"], ending["reason"], ending["space"]) == (None, None, None)
    assert (without["kind"], without["reservation"], without["lot_name"]) == ("ASKED_TO_MOVE", None, None)
