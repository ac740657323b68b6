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
    kind = Notice.Kind.MOVED if reservation else Notice.Kind.ASKED_TO_MOVE
    facts = {"space": "A2", "from_space": "A1", "reason": "BAY_TAKEN", "lot": "Here"} | facts
    tell(recipient_id=reader.pk, kind=kind, reservation=reservation, facts=facts, once_key=key, now=NOW)


def test_page_says_what_is_to_be_known_and_links_to_the_reservation_or_its_replacement():
    reservation, other = accepted(make_shared_lot()), accepted(make_shared_lot())
    reader = reservation.driver
    told(reader, reservation=reservation)
    told(reader, reservation=reservation, key="with a replacement", replacement=other.pk)
    told(reader, key="without a reservation")

    page = client_of(reader).get(reverse("web:notices"))

    shown = text_of(page)
    assert "Your bay is A2 now, no longer A1." in shown
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

    without, moved = calls.get("notices").json()["results"]

    assert (moved["kind"], moved["reservation"], moved["lot_name"]) == (
        "MOVED",
        reservation.pk,
        reservation.lot.name,
    )
    assert moved["sentences"][0] == "Your bay is A2 now, no longer A1."
    assert (moved["status"], moved["reason"], moved["space"]) == (None, None, None)
    assert (without["kind"], without["reservation"], without["lot_name"]) == ("ASKED_TO_MOVE", None, None)
