"""What a driver sees and does while reality unfolds: longer stays, a taken bay, codes, overstays, broken promises."""

import logging
from datetime import timedelta

import pytest
from django.urls import reverse

from parking_share import clock
from parking_share.fulfilment.incidents import report_taken_bay
from parking_share.fulfilment.models import BrokenPromise, EntryCode, Incident
from parking_share.fulfilment.overstays import attend_overstays
from parking_share.fulfilment.promises import break_promise, make_good
from parking_share.fulfilment.telling import tell_to_come_later
from parking_share.reservations.states import Status
from sensors.models import Occupancy
from tests.domain.lives import accepted, announced, parked, sense
from tests.factories import NOW, hours, make_shared_lot, make_space, make_user, make_window
from tests.interface.pages import MOST_QUERIES, client_of, queries_of, text_of

pytestmark = pytest.mark.django_db

PAGES = ["web:extend", "web:entry_code", "web:taken"]
IN_STAY = NOW + hours(1.5)  # `lives` book from one until three hours after NOW
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def the_middle_of_the_stay(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: IN_STAY)


def at_time(monkeypatch, now) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


def page_of(reservation, name="web:reservation"):
    return reverse(name, args=[reservation.pk])


def client_for(reservation):
    return client_of(reservation.driver)


@pytest.mark.parametrize("name", [*PAGES, "web:taken_result"])
def test_strangers_stay_is_not_there(name):
    theirs = parked(make_shared_lot(spaces=2))
    report_taken_bay(reservation_id=theirs.pk, actor=theirs.driver, plate_text="", now=IN_STAY)

    assert client_of(make_user()).get(page_of(theirs, name)).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_stranger_can_not_touch_a_stay(name):
    theirs = parked(make_shared_lot(spaces=2))
    sent = {"until": "2026-11-23T03:30Z", "plate": "粤B66666"}

    assert client_of(make_user()).post(page_of(theirs, name), sent).status_code == 404
    theirs.refresh_from_db()
    assert theirs.ends_at == NOW + hours(3)
    assert not Incident.objects.exists()
    assert not EntryCode.objects.exists()


@pytest.mark.parametrize("name", [*PAGES, "web:taken_result"])
def test_visitor_is_asked_to_log_in(client, name):
    theirs = parked(make_shared_lot())

    assert client.get(page_of(theirs, name)).url == f"/account/login/?next={page_of(theirs, name)}"


def test_a_driver_reads_until_when_she_can_stay_and_what_it_adds():
    stay = parked(make_shared_lot(ends_at=NOW + hours(4)))

    shown = text_of(client_for(stay).get(page_of(stay, "web:extend")))
    part = client_for(stay).get(page_of(stay, "web:extend"), headers=FRAGMENT).content.decode()

    assert "You can stay until Mon 23 Nov 12:00 ." in shown
    assert "Mon 23 Nov 11:15 (+¥" in shown
    assert "Mon 23 Nov 12:00 (+¥" in shown
    assert "12:15" not in shown
    assert part.lstrip().startswith("<section") or "<html" not in part


def test_a_stay_is_extended_at_the_price_that_was_told():
    stay = parked(make_shared_lot(ends_at=NOW + hours(4)))
    client = client_for(stay)
    ends = client.get(page_of(stay, "web:extend")).context["ends"]
    before = stay.price_cents

    done = client.post(page_of(stay, "web:extend"), {"until": f"{ends[1].until:%Y-%m-%dT%H:%MZ}"}, follow=True)

    stay.refresh_from_db()
    assert stay.ends_at == NOW + hours(3.5)
    assert stay.price_cents == before + ends[1].added_cents
    assert "You may stay longer." in text_of(done)


@pytest.mark.parametrize("until", ["", "x", "2026-11-23T11:30", "2026-11-23T23:00Z", "2026-11-23T02:30Z"])
def test_an_end_that_is_not_possible_is_refused_in_words(until):
    stay = parked(make_shared_lot(ends_at=NOW + hours(4)))

    answer = client_for(stay).post(page_of(stay, "web:extend"), {"until": until})

    stay.refresh_from_db()
    assert answer.context["form"].errors.keys() == {"until"}
    assert stay.ends_at == NOW + hours(3)
    assert 'role="alert"' in answer.content.decode()


def test_where_the_bay_is_needed_the_page_says_so():
    stay = parked(make_shared_lot(ends_at=NOW + hours(3)))

    assert "Not possible: the bay is needed after" in text_of(client_for(stay).get(page_of(stay, "web:extend")))


def test_a_taken_bay_is_answered_with_another_one_at_once(caplog):
    caplog.set_level(logging.DEBUG)
    lot = make_shared_lot(spaces=2)
    stay = announced(lot)
    client, lost = client_for(stay), stay.space

    form = client.get(page_of(stay, "web:taken")).content.decode()
    shown = client.post(page_of(stay, "web:taken"), {"plate": "粤b 66666", "bay": lost.pk}, follow=True)

    stay.refresh_from_db()
    assert f'value="{lost.pk}"' in form
    assert stay.space != lost
    assert f"Your new bay {stay.space.label}" in text_of(shown)
    assert "66666" not in text_of(shown)
    assert "66666" not in "".join(str(one.__dict__) for one in caplog.records if one.name != "django.db.backends")
    page = text_of(client.get(page_of(stay)))
    assert "Somebody else stood in the bay, so another one was chosen." in page
    assert f"Your bay: {stay.space.label}" in page


def test_two_taps_on_the_same_form_are_one_report():
    lot = make_shared_lot(spaces=3)
    stay = announced(lot)
    client, sent = client_for(stay), {"plate": "", "bay": stay.space_id}

    client.post(page_of(stay, "web:taken"), sent)
    stay.refresh_from_db()
    second = client.post(page_of(stay, "web:taken"), sent | {"plate": "粤B66666"})

    assert second.url == page_of(stay, "web:taken_result")
    assert Incident.objects.count() == 1
    assert stay.space == Incident.objects.get().moved_to


def test_without_another_bay_here_there_is_one_nearby():
    lot, near = make_shared_lot(), make_shared_lot(name="Garden Court")
    stay = announced(lot)

    shown = client_for(stay).post(page_of(stay, "web:taken"), {"bay": stay.space_id}, follow=True)

    replacement = Incident.objects.get().replacement
    assert replacement.lot == near
    assert "A bay in another lot Garden Court" in text_of(shown)
    assert page_of(replacement) in shown.content.decode()
    assert "are due to you for the broken promise." in text_of(shown)
    lost = text_of(client_for(stay).get(page_of(stay)))
    assert "We promised you a bay and could not give it." in lost
    assert "A bay is kept for you at Garden Court, at no extra cost." in lost


def test_without_any_bay_nothing_is_owed():
    stay = announced(make_shared_lot())

    shown = client_for(stay).post(page_of(stay, "web:taken"), {"bay": stay.space_id}, follow=True)

    stay.refresh_from_db()
    assert stay.status == Status.RELEASED
    assert "No other bay is free, here or nearby. The reservation is cancelled, and you owe nothing for it." in text_of(
        shown
    )
    assert "No other bay was free nearby." in text_of(client_for(stay).get(page_of(stay)))


@pytest.mark.parametrize(("plate", "said"), [("?!", "does not look like a number plate"), ("own", "your own plate")])
def test_a_plate_that_makes_no_sense_is_refused_beside_its_field(plate, said):
    stay = announced(make_shared_lot(spaces=2))
    typed = stay.vehicle_rows.get().vehicle.plate if plate == "own" else plate

    answer = client_for(stay).post(page_of(stay, "web:taken"), {"plate": typed, "bay": stay.space_id})

    assert said in text_of(answer)
    assert not Incident.objects.exists()


def test_result_of_a_report_that_was_never_made_is_not_there():
    stay = announced(make_shared_lot())

    assert client_for(stay).get(page_of(stay, "web:taken_result")).status_code == 404


def test_a_code_is_made_when_asked_and_shown_once():
    stay = announced(make_shared_lot())
    client = client_for(stay)

    asked = client.get(page_of(stay, "web:entry_code"))
    shown = client.post(page_of(stay, "web:entry_code"))

    code = shown.context["code"]
    assert not asked.context.get("code")
    assert f"{code[:4]} {code[4:]}" in text_of(shown)
    assert "<svg" in shown.content.decode()
    assert "style=" not in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert EntryCode.objects.count() == 1
    assert code not in client.get(page_of(stay, "web:entry_code")).content.decode()


def test_there_is_no_code_for_what_is_over():
    stay = announced(make_shared_lot())
    client = client_for(stay)
    client.post(page_of(stay, "web:cancel"))

    refused = client.post(page_of(stay, "web:entry_code"), follow=True)

    assert "There is a code only for a reservation that is accepted and not over." in text_of(refused)
    assert not EntryCode.objects.exists()


def test_the_page_warns_before_the_end_and_says_what_staying_costs(monkeypatch):
    stay = parked(make_shared_lot(peak_rate_cents=600))
    client = client_for(stay)
    at_time(monkeypatch, stay.ends_at - timedelta(minutes=16))
    calm = text_of(client.get(page_of(stay)))
    at_time(monkeypatch, stay.ends_at - timedelta(minutes=15))
    warned = text_of(client.get(page_of(stay)))
    at_time(monkeypatch, stay.ends_at)
    over = text_of(client.get(page_of(stay)))

    assert "pays" not in calm
    assert "Your time ends on Mon 23 Nov 11:00 . Who stays beyond Mon 23 Nov 11:10 pays ¥12.00 an hour." in warned
    assert "Your time ended on Mon 23 Nov 11:00 ." in over
    assert "Please drive off" in over


def test_an_overstay_shows_what_is_owed_by_now(monkeypatch):
    stay = parked(make_shared_lot(peak_rate_cents=600))
    sense(stay.space, Occupancy.OCCUPIED, at=stay.ends_at)
    now = stay.ends_at + timedelta(minutes=25)
    attend_overstays(now=now)
    at_time(monkeypatch, now)

    shown = client_for(stay).get(page_of(stay))

    assert "By now that is ¥3.00." in text_of(shown)
    assert 'role="alert"' in shown.content.decode()


def test_who_was_at_the_gate_early_is_told_when_to_come_back(monkeypatch):
    stay = accepted(make_shared_lot())
    tell_to_come_later(stay, earliest_at=NOW + hours(0.75), now=NOW)
    client = client_for(stay)

    at_time(monkeypatch, NOW + hours(0.5))
    assert "Come back at Mon 23 Nov 08:45 ." in text_of(client.get(page_of(stay)))
    at_time(monkeypatch, NOW + hours(0.75))
    assert "Come back" not in text_of(client.get(page_of(stay)))


def test_a_page_looked_at_on_the_way_asks_more_often_than_one_of_a_parked_car():
    lot = make_shared_lot(spaces=2)
    coming, there = announced(lot), parked(lot)

    assert 'hx-trigger="every 10s"' in client_for(coming).get(page_of(coming)).content.decode()
    assert 'hx-trigger="every 30s"' in client_for(there).get(page_of(there)).content.decode()


def test_the_live_part_changes_when_reality_does(monkeypatch):
    stay = parked(make_shared_lot())
    client = client_for(stay)
    first = client.get(page_of(stay), headers=FRAGMENT)
    still = client.get(page_of(stay), headers=FRAGMENT | {"If-None-Match": first["ETag"]})
    at_time(monkeypatch, stay.ends_at)
    late = client.get(page_of(stay), headers=FRAGMENT | {"If-None-Match": first["ETag"]})

    assert (still.status_code, late.status_code) == (304, 200)


def test_a_promise_broken_by_an_overstay_names_cause_and_compensation():
    stay = announced(make_shared_lot())
    broken = break_promise(reservation_id=stay.pk, cause=BrokenPromise.Cause.OVERSTAY, now=IN_STAY)

    waiting = text_of(client_for(stay).get(page_of(stay)))
    make_good(broken_id=broken.pk, now=IN_STAY)
    found = text_of(client_for(stay).get(page_of(stay)))

    money = f"¥{broken.compensation_cents // 100}.{broken.compensation_cents % 100:02d}"
    assert "The car before did not leave." in waiting
    assert "We are looking for a bay nearby." in waiting
    assert f"You owe nothing for this reservation, and {money} are due to you." in found
    assert "No other bay was free nearby." in found


@pytest.mark.parametrize("name", ["web:reservation", *PAGES])
def test_pages_need_few_queries_however_many_bays_there_are(name):
    lot = make_shared_lot(spaces=2)
    stay = parked(lot)
    options = {"headers": FRAGMENT} if name == "web:extend" else {}
    before = queries_of(client_for(stay), page_of(stay, name), **options)
    for _ in range(3):
        make_window(make_space(lot), NOW, NOW + hours(12))
        accepted(lot)

    assert queries_of(client_for(stay), page_of(stay, name), **options) == before <= MOST_QUERIES
