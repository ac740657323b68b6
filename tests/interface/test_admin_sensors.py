"""What operators do about gates and sensors in the admin: messages that could not be read, plates, gateways."""

import json
import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from parking_share.accounts.models import User
from sensors.models import Gateway, Kind, RawMessage, Reading
from sensors.sealing import MESSAGE, seal
from tests.devices import make_gate
from tests.factories import NOW, PASSWORD, hours, make_device, make_gateway, make_lot, make_reading, make_user
from tests.interface.admin_rows import a_booking
from tests.interface.sensor_rows import (
    make_broken_promise,
    make_incident,
    make_listed,
    make_overstay,
    make_plate_read,
    make_raw_message,
)

pytestmark = pytest.mark.django_db

CHANGELIST = reverse("admin:sensors_rawmessage_changelist")


@pytest.fixture(autouse=True)
def in_english(client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_superuser("operator@example.org", PASSWORD, language="en")
    client.force_login(user)
    return user


def a_quarantined_message(*, device: str = "cam-1") -> RawMessage:
    """A message of our own format that names a device which was entered too late, or never."""
    gateway = make_gateway(make_lot())
    event = {
        "key": "k1",
        "kind": "ENTER",
        "device": device,
        "reported_at": NOW.isoformat(),
        "plate": "粤B12345",
    }
    body = json.dumps({"events": [event]}, ensure_ascii=False).encode()
    return make_raw_message(
        gateway, body_encrypted=seal(body, purpose=MESSAGE), content_type="application/json", complaint="no device"
    )


def attend(message: RawMessage) -> str:
    return reverse("admin:sensors_rawmessage_attend", args=[message.pk])


def test_a_message_is_read_once_its_device_is_known(client, operator):
    message = a_quarantined_message()
    again = {"action": "try_again", "_selected_action": [message.pk]}
    still = client.post(CHANGELIST, again, follow=True).content.decode()
    lot = message.gateway.lots.get()
    make_device(lot, gateway=message.gateway, identifier="cam-1", gate=make_gate(lot))

    done = client.post(CHANGELIST, again, follow=True).content.decode()

    message.refresh_from_db()
    assert "no such device" in still
    assert f"{message.pk}: read." in done
    assert message.state == RawMessage.State.READ
    assert Reading.objects.get().raw_message_id == message.pk
    assert "not in quarantine" in client.post(CHANGELIST, again, follow=True).content.decode()


def test_one_message_is_read_again_from_its_own_page(client, operator):
    message = a_quarantined_message()

    shown = client.post(attend(message), {"again": "1"}, follow=True).content.decode()

    assert "no such device" in shown
    assert attend(message) in shown


def test_a_message_is_put_aside_with_a_note_that_stays_in_its_history(client, operator):
    message = a_quarantined_message()

    refused = client.post(attend(message), {"dismiss": "1", "note": ""})
    client.post(attend(message), {"dismiss": "1", "note": "a test of the installer"})

    message.refresh_from_db()
    assert refused.context["form"].errors.keys() == {"note"}
    assert message.state == RawMessage.State.DISMISSED
    assert "Put aside: a test of the installer" in LogEntry.objects.get().change_message
    history = client.get(reverse("admin:sensors_rawmessage_history", args=[message.pk])).content.decode()
    assert "a test of the installer" in history


def test_whoever_looks_into_a_body_is_on_record(client, operator):
    message = a_quarantined_message()

    closed = client.get(attend(message)).content.decode()
    shown = client.post(attend(message), {"look": "1"})

    assert "粤B12345" not in closed
    assert "粤B12345" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert [(entry.user, entry.change_message) for entry in LogEntry.objects.all()] == [
        (operator, "Looked into the body.")
    ]


@pytest.mark.parametrize("name", ["overstay", "brokenpromise"])
def test_what_is_owed_is_settled_once_with_a_reason(client, operator, name):
    booking = a_booking()
    made = {
        "overstay": lambda: make_overstay(booking, ended_at=NOW + hours(1), penalty_cents=900),
        "brokenpromise": lambda: make_broken_promise(booking),
    }
    row = made[name]()
    address = reverse(f"admin:fulfilment_{name}_settle", args=[row.pk])
    offered = client.get(reverse(f"admin:fulfilment_{name}_change", args=[row.pk])).content.decode()

    without_reason = client.post(address, {"note": ""})
    done = client.post(address, {"note": "Agreed by telephone."}, follow=True).content.decode()
    again = client.post(address, {"note": "Agreed by telephone."}, follow=True).content.decode()

    row.refresh_from_db()
    kept = {
        "overstay": lambda: (row.waived_by, row.waiver_note, row.waived_at is not None),
        "brokenpromise": lambda: (row.settled_by, row.settlement_note, row.settled_at is not None),
    }
    assert address in offered
    assert without_reason.status_code == 200
    assert "the history says who did it" in done
    assert ("settled already" in again) or ("nothing to waive" in again)
    assert kept[name]() == (operator, "Agreed by telephone.", True)
    assert LogEntry.objects.get(object_id=str(row.pk)).user == operator


def test_only_those_who_may_change_rows_settle_them(client):
    person = make_user(is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_overstay"))
    client.force_login(person)
    row = make_overstay(a_booking(), ended_at=NOW + hours(1), penalty_cents=900)
    address = reverse("admin:fulfilment_overstay_settle", args=[row.pk])

    assert client.post(address, {"note": "Agreed by telephone."}).status_code == 403
    assert address not in client.get(reverse("admin:fulfilment_overstay_change", args=[row.pk])).content.decode()


def test_only_those_who_may_change_messages_attend_to_them(client):
    message = a_quarantined_message()
    helper = make_user(is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename="view_rawmessage"))
    client.force_login(helper)

    assert client.get(CHANGELIST).status_code == 200
    assert client.post(attend(message), {"look": "1"}).status_code == 403
    client.post(CHANGELIST, {"action": "try_again", "_selected_action": [message.pk]})
    assert RawMessage.objects.get().tries == 0


def test_a_plate_at_the_gates_is_found_by_post_and_stands_in_no_address_and_no_log(client, operator, caplog):
    caplog.set_level(logging.DEBUG)
    lot = make_lot(name="Bamboo Court")
    make_plate_read(make_reading(make_device(lot, gate=make_gate(lot, name="East")), Kind.ENTER, NOW), "粤B12345")
    make_plate_read(make_reading(make_device(lot, gate=make_gate(lot, name="West")), Kind.EXIT, NOW), "粤B99999")
    make_listed(lot, "粤B12345", label="deliveries")
    make_incident(a_booking(), intruder="粤B12345")
    url = reverse("admin:fulfilment_by_plate")

    found = client.post(url, {"plate": "粤b 12345"})

    shown = found.content.decode()
    assert [row.gate.name for row in found.context["readings"]] == ["East"]
    assert [row.label for row in found.context["listed"]] == ["deliveries"]
    assert len(found.context["incidents"]) == 1
    assert "12345" not in shown
    assert "12345" not in "".join(str(one.__dict__) for one in caplog.records if one.name != "django.db.backends")
    assert "readings" not in client.get(url, {"plate": "粤B12345"}).context


@pytest.mark.parametrize("codenames", [[], ["view_incident"], ["view_plateread"]])
def test_plates_at_the_gates_need_both_permissions(client, codenames):
    helper = make_user(is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(helper)

    assert client.post(reverse("admin:fulfilment_by_plate"), {"plate": "粤B12345"}).status_code == 403


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("192.0.2.7", ["192.0.2.7/32"]), ("192.0.2.0/24,2001:db8::/32", ["192.0.2.0/24", "2001:db8::/32"]), ("x", None)],
)
def test_networks_of_a_gateway_are_kept_as_networks(client, operator, typed, kept):
    lot = make_lot()
    fields = {
        "name": "Box",
        "format": "OWN",
        "trust": "SIGNED",
        "lots": [lot.pk],
        "addresses": typed,
        "is_active": "on",
    }

    client.post(reverse("admin:sensors_gateway_add"), fields)

    found = Gateway.objects.filter(name="Box").first()
    assert (found.addresses if found else None) == kept
