"""One statement stores a batch: once, in any order, only where the gateway may write."""

import random
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from parking_share.accounts.plates import exact_hash
from parking_share.spaces.models import Gate
from sensors.models import BayState, Device, Kind, KnownKey, OutboxRow, PlateRead, RawMessage, Reading, StaleSlot
from sensors.storing import store_events
from tests.devices import happened, make_gate, make_sensed_bay, make_watched_gate
from tests.factories import NOW, hours, make_device, make_gateway, make_lot, make_space

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def store(gateway, *events, received_at=NOW, **more):
    return store_events(gateway_id=gateway.pk, events=list(events), received_at=received_at, **more)


def state_of(device):
    return BayState.objects.get(space=device.space_id)


def test_a_batch_is_one_statement():
    gateway, sensor = make_sensed_bay()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW), happened("b", Kind.VACANT, sensor, NOW + MINUTE))

    assert len(queries) == 1


def test_a_stored_event_says_where_it_happened():
    gateway, sensor = make_sensed_bay()

    [seen] = store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW - MINUTE, sequence=7))

    reading = Reading.objects.get()
    assert (seen.problem, seen.is_new, seen.is_live, seen.reading_id) == (None, True, True, reading.pk)
    assert (seen.device_id, seen.lot_id, seen.gate_id, seen.space_id) == (
        sensor.pk,
        sensor.lot_id,
        None,
        sensor.space_id,
    )
    assert seen.observed_at == NOW - MINUTE
    assert (reading.source_key, reading.kind, reading.sequence, reading.is_replayed) == ("a", "OCCUPIED", 7, False)
    assert (reading.observed_at, reading.reported_at, reading.received_at) == (NOW - MINUTE, NOW - MINUTE, NOW)


def test_colour_and_picture_are_kept_with_the_plate_and_go_with_it():
    gateway, camera = make_watched_gate()
    looks = {"plate_colour": 'gr"een\\', "media_ref": "s3://pictures/{1},2"}

    store(gateway, happened("a", Kind.ENTER, camera, NOW, plate="粤B12345", **looks))
    store(gateway, happened("b", Kind.ENTER, camera, NOW, plate="粤B54321"))

    kept = PlateRead.objects.order_by("pk").values_list("plate_colour", "media_ref")
    assert list(kept) == [('gr"een\\', "s3://pictures/{1},2"), ("", "")]


def test_what_comes_twice_is_stored_once():
    gateway, sensor = make_sensed_bay()
    event, same_key = happened("a", Kind.OCCUPIED, sensor, NOW), happened("a", Kind.VACANT, sensor, NOW)

    first = store(gateway, event, same_key)
    second = store(gateway, event)

    assert [(one.is_new, one.problem) for one in first + second] == [(True, None), (False, None), (False, None)]
    assert Reading.objects.count() == KnownKey.objects.count() == OutboxRow.objects.count() == 1


def test_the_same_key_of_another_gateway_is_another_event():
    (gateway, sensor), (rival, theirs) = make_sensed_bay(), make_sensed_bay()

    seen = store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW))
    seen += store(rival, happened("a", Kind.OCCUPIED, theirs, NOW))

    assert [one.is_new for one in seen] == [True, True]


def test_the_newest_word_counts_whatever_the_order_of_arrival():
    rng = random.Random(20261123)
    gateway, sensor = make_sensed_bay()
    events = [
        happened(f"key {place}", kind, sensor, NOW - place // 3 * MINUTE, sequence=place % 2)
        for place, kind in enumerate([Kind.OCCUPIED, Kind.VACANT, Kind.CLOSED] * 5)
    ]
    ends = set()

    for _ in range(6):
        for model in (BayState, KnownKey):
            model.objects.all().delete()
        rng.shuffle(events)
        for start in range(0, len(events), 4):
            store(gateway, *events[start : start + 4])
        state = state_of(sensor)
        ends.add((state.state, state.observed_at, state.sequence, state.tie_break, state.heard_at))

    assert len(ends) == 1
    assert ends.pop()[:3] == ("FREE", NOW, 1)


def test_a_sign_of_life_is_no_state():
    gateway, sensor = make_sensed_bay()

    store(gateway, happened("a", Kind.HEARTBEAT, sensor, NOW - hours(1)))
    unknown = state_of(sensor)
    store(gateway, happened("b", Kind.OCCUPIED, sensor, NOW - hours(2)))
    store(gateway, happened("c", Kind.HEARTBEAT, sensor, NOW - MINUTE))
    known = state_of(sensor)

    assert (unknown.state, unknown.heard_at) == ("UNKNOWN", NOW - hours(1))
    assert (known.state, known.observed_at, known.heard_at) == ("OCCUPIED", NOW - hours(2), NOW - MINUTE)


def test_since_moves_with_the_state_and_not_with_every_reading():
    gateway, sensor = make_sensed_bay()

    for number, kind in enumerate([Kind.OCCUPIED, Kind.OCCUPIED, Kind.VACANT, Kind.VACANT]):
        store(gateway, happened(f"{number}", kind, sensor, NOW + number * MINUTE), received_at=NOW + number * MINUTE)

    assert state_of(sensor).since == NOW + 2 * MINUTE


def test_outbox_holds_changes_of_bays_and_plates_at_gates():
    gateway, sensor = make_sensed_bay()
    camera = make_device(sensor.lot, gateway=gateway, gate=make_gate(sensor.lot, kind=Gate.Kind.ENTRY))
    taken, freed = happened("a", Kind.OCCUPIED, sensor, NOW), happened("c", Kind.VACANT, sensor, NOW + 2 * MINUTE)

    store(gateway, taken)
    store(gateway, happened("b", Kind.OCCUPIED, sensor, NOW + MINUTE))
    store(gateway, freed, happened("late", Kind.OCCUPIED, sensor, NOW - hours(1)))
    store(gateway, happened("d", Kind.ENTER, camera, NOW, plate="粤B12345"), happened("e", Kind.ENTER, camera, NOW))
    store(gateway, happened("f", Kind.HEARTBEAT, sensor, NOW))

    rows = OutboxRow.objects.order_by("pk")
    assert [(row.kind, row.space_id, row.gate_id) for row in rows] == [
        ("OCCUPIED", sensor.space_id, None),
        ("VACANT", sensor.space_id, None),
        ("ENTER", None, camera.gate_id),
    ]
    assert rows[2].plate_read == PlateRead.objects.get()


def test_plates_are_kept_encrypted_and_apart_and_only_for_a_while(settings):
    gateway, camera = make_watched_gate()

    [seen] = store(gateway, happened("a", Kind.ENTER, camera, NOW, plate="粤B12345"))

    row = PlateRead.objects.get()
    assert (row.pk, row.reading_id) == (seen.plate_read_id, seen.reading_id)
    assert bytes(row.plate_exact_hash) == exact_hash("粤B12345")
    assert "粤B12345".encode() not in bytes(row.plate_encrypted)
    assert row.forget_at == NOW + settings.UNMATCHED_PLATES_KEPT


@pytest.mark.parametrize(
    ("lane", "is_towards", "kind"),
    [
        (Gate.Kind.ENTRY, None, "ENTER"),
        (Gate.Kind.ENTRY, False, "ENTER"),
        (Gate.Kind.EXIT, True, "EXIT"),
        (Gate.Kind.BOTH, True, "ENTER"),
        (Gate.Kind.BOTH, False, "EXIT"),
        (Gate.Kind.BOTH, None, "PASS"),
    ],
)
def test_the_lane_says_what_a_camera_saw(lane, is_towards, kind):
    gateway, camera = make_watched_gate(kind=lane)

    [seen] = store(gateway, happened("a", Kind.PASS, camera, NOW, plate="粤B12345", is_towards=is_towards))

    assert (seen.event.kind, Reading.objects.get().kind) == (kind, kind)


def test_what_a_gateway_says_of_its_own_is_believed():
    gateway, camera = make_watched_gate(kind=Gate.Kind.ENTRY)

    [seen] = store(gateway, happened("a", Kind.EXIT, camera, NOW, plate="粤B12345"))

    assert seen.event.kind == "EXIT"


@pytest.mark.parametrize(
    ("reported", "says_live", "observed", "is_off", "is_replayed", "may_open"),
    [
        (-4 * MINUTE, None, -4 * MINUTE, False, False, True),
        (4 * MINUTE, None, 4 * MINUTE, False, False, True),
        (6 * MINUTE, None, 0 * MINUTE, True, False, False),
        (hours(24), True, 0 * MINUTE, True, False, True),
        (hours(24), False, 0 * MINUTE, True, True, False),
        (-6 * MINUTE, None, -6 * MINUTE, False, True, False),
        (-hours(24), None, -hours(24), False, True, False),
        (-hours(1), True, 0 * MINUTE, True, False, True),
        (-hours(24 * 36), None, 0 * MINUTE, True, True, False),
        (0 * MINUTE, False, 0 * MINUTE, False, True, False),
    ],
)
def test_clocks_that_are_off_and_messages_that_are_late(reported, says_live, observed, is_off, is_replayed, may_open):
    gateway, sensor = make_sensed_bay()

    [seen] = store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW + reported, is_live=says_live))

    reading = Reading.objects.get()
    assert (reading.observed_at, reading.reported_at) == (NOW + observed, NOW + reported)
    assert (reading.clock_is_off, reading.is_replayed) == (is_off, is_replayed)
    assert (seen.observed_at, seen.is_live) == (NOW + observed, may_open)


def test_what_is_read_long_after_it_came_is_not_live_any_more():
    gateway, sensor = make_sensed_bay()

    [seen] = store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW), now=NOW + hours(1))

    assert not seen.is_live
    assert StaleSlot.objects.get().from_at == NOW


def test_what_comes_after_its_quarter_of_an_hour_is_to_be_rolled_up_again():
    gateway, sensor = make_sensed_bay()
    at = NOW + timedelta(minutes=20)

    store(gateway, happened("now", Kind.OCCUPIED, sensor, NOW + timedelta(minutes=16)), received_at=at)
    store(
        gateway,
        happened("late", Kind.OCCUPIED, sensor, NOW + timedelta(minutes=14)),
        happened("later", Kind.VACANT, sensor, NOW - timedelta(minutes=20)),
        received_at=at,
    )

    assert list(StaleSlot.objects.values_list("lot", "space", "from_at", "until_at")) == [
        (sensor.lot_id, sensor.space_id, NOW - timedelta(minutes=20), NOW + timedelta(minutes=14))
    ]


def test_devices_are_marked_as_heard_with_the_error_of_their_clock():
    gateway, sensor = make_sensed_bay()

    store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW + hours(1)))
    sensor.refresh_from_db()
    first = (sensor.heard_at, sensor.clock_off_s)
    store(gateway, happened("b", Kind.OCCUPIED, sensor, NOW), received_at=NOW + MINUTE / 2)
    sensor.refresh_from_db()
    soon = sensor.heard_at
    store(gateway, happened("c", Kind.OCCUPIED, sensor, NOW), received_at=NOW + 2 * MINUTE)
    sensor.refresh_from_db()

    assert first == (NOW, 3600)
    assert soon == NOW
    assert (sensor.heard_at, sensor.clock_off_s) == (NOW + 2 * MINUTE, None)


@pytest.mark.parametrize("year", [1970, 2099])
def test_a_clock_may_be_off_by_a_lifetime(year):
    gateway, sensor = make_sensed_bay()

    [seen] = store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW.replace(year=year)))

    sensor.refresh_from_db()
    assert seen.observed_at == NOW
    assert (sensor.clock_off_s > 0) == (year > NOW.year)


def test_nothing_is_stored_for_devices_of_others():
    (gateway, _sensor), (_rival, theirs) = make_sensed_bay(), make_sensed_bay()

    [seen] = store(gateway, happened("a", Kind.OCCUPIED, theirs, NOW))

    assert (seen.problem, seen.is_new, seen.is_live) == ("unknown_device", False, False)
    assert not Reading.objects.exists()
    assert not KnownKey.objects.exists()


def test_nothing_is_stored_for_a_device_that_was_switched_off():
    gateway, sensor = make_sensed_bay()
    Device.objects.filter(pk=sensor.pk).update(is_active=False)

    assert store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW))[0].problem == "unknown_device"


def test_nothing_is_stored_for_a_lot_that_was_taken_from_the_gateway():
    gateway, sensor = make_sensed_bay()
    gateway.lots.set([make_lot()])

    [seen] = store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW))

    assert seen.problem == "foreign_lot"
    assert not Reading.objects.exists()


def test_a_device_can_not_stand_in_another_lot():
    lot, elsewhere = make_lot(), make_space(make_lot())

    with pytest.raises(IntegrityError, match="in another lot"), transaction.atomic():
        make_device(lot, gateway=make_gateway(lot), space=elsewhere)


@pytest.mark.parametrize("kind", [Kind.ENTER, Kind.EXIT, Kind.PASS, Kind.COUNT])
def test_a_bay_sensor_says_nothing_of_gates_and_counts(kind):
    gateway, sensor = make_sensed_bay()

    assert store(gateway, happened("a", kind, sensor, NOW, occupied=3))[0].problem == "wrong_place"


@pytest.mark.parametrize("kind", [Kind.OCCUPIED, Kind.VACANT, Kind.CLOSED])
def test_a_camera_at_a_gate_says_nothing_of_bays(kind):
    gateway, camera = make_watched_gate()

    assert store(gateway, happened("a", kind, camera, NOW))[0].problem == "wrong_place"


def test_one_event_that_is_refused_keeps_none_of_the_others_out():
    gateway, sensor = make_sensed_bay()

    seen = store(gateway, happened("a", Kind.OCCUPIED, "nobody", NOW), happened("b", Kind.OCCUPIED, sensor, NOW))

    assert [one.problem for one in seen] == ["unknown_device", None]


def test_texts_survive_whatever_characters_they_hold():
    lot = make_lot()
    counter = make_device(lot, identifier='a"b\\c{d},NULL')
    key = '"quoted" \\ and, {braces} 粤'

    store(counter.gateway, happened(key, Kind.COUNT, counter, NOW, state_text='FULL "\\'))

    assert Reading.objects.values_list("source_key", "state_text").get() == (key, 'FULL "\\')


def test_a_message_is_marked_as_read_by_the_same_statement():
    gateway, sensor = make_sensed_bay()
    message = RawMessage.objects.create(gateway=gateway, received_at=NOW, body_encrypted=b"")

    store(gateway, happened("a", Kind.OCCUPIED, sensor, NOW), raw_message_id=message.pk)

    message.refresh_from_db()
    assert (message.state, Reading.objects.get().raw_message_id) == ("READ", message.pk)


def test_nothing_to_store_is_nothing():
    gateway, _sensor = make_sensed_bay()

    assert store(gateway) == []
