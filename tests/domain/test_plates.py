import logging

import pytest
from cryptography.exceptions import InvalidTag
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from parking_share.accounts import plates
from parking_share.accounts.models import Vehicle
from parking_share.accounts.services import VehicleRefused, register_vehicle, remove_vehicle
from tests.factories import NOW, make_user, make_vehicle

NEW_ENERGY_LETTERS = "ABCDEFGHJK"


@pytest.mark.parametrize(
    "typed",
    [
        "粤B12345",
        "粤b12345",
        " 粤B·12345 ",
        "粤B 12345",
        "粤B-12345",
        "粤B.12345",
        "粤Ｂ１２３４５",
        "粤B•12345",
        "粤B_12345",
    ],
)
def test_plate_has_one_spelling(typed):
    assert plates.parse_plate(typed) == "粤B12345"


@pytest.mark.parametrize(
    ("plate", "shape"),
    [
        ("粤B12345", "ordinary"),
        ("京A8C68Z", "ordinary"),
        ("粤BD12345", "new_energy_small"),
        ("粤BDF1234", "new_energy_small"),
        ("粤B12345D", "new_energy_large"),
        ("粤B1234学", "official"),
        ("京A1234警", "official"),
        ("粤B1234挂", "official"),
        ("粤Z1234港", "cross_border"),
        ("粤Z12A4澳", "cross_border"),
        ("使123456", "embassy"),
        ("沪A1234领", "embassy"),
        ("WJ粤12345", "special"),
        ("民航12345", "special"),
        ("SGX1234A", "elsewhere"),
        ("MZAB123", "elsewhere"),
        ("B", None),
        ("粤I12345", None),
        ("粤BO12345", None),
        ("粤B1234", None),
        ("粤BL12345", None),
        ("澳门粤B12345", None),
        ("12345678901", None),
        ("粤B12345'; DROP TABLE", None),
        ("", None),
    ],
)
def test_plate_shape(plate, shape):
    assert plates.plate_shape(plate) == shape


@pytest.mark.parametrize("letter", NEW_ENERGY_LETTERS)
def test_new_energy_plates_take_all_ten_letters_at_both_places(letter):
    assert plates.plate_shape(f"粤B{letter}12345") == "new_energy_small"
    assert plates.plate_shape(f"粤B12345{letter}") == "new_energy_large"


@pytest.mark.parametrize("letter", sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set(NEW_ENERGY_LETTERS)))
def test_new_energy_plates_take_no_other_letter(letter):
    assert plates.plate_shape(f"粤B{letter}12345") is None
    assert plates.plate_shape(f"粤B12345{letter}") is None


def test_plate_that_nobody_issues_is_refused_in_words():
    with pytest.raises(plates.PlateRefused) as refusal:
        plates.parse_plate("粤B12")

    assert refusal.value.code == "plate_not_recognised"
    assert "粤B12345" in refusal.value.sentence


@pytest.mark.parametrize(
    ("plate", "seen"),
    [("粤B0D123", "粤BODl23".upper()), ("粤B88888", "粤BB8B8B"), ("粤BZ2222", "粤B2ZZZZ"), ("粤B5S555", "粤BSSSSS")],
)
def test_folded_hash_is_shared_by_what_a_camera_confuses(plate, seen):
    assert plates.folded_hash(plate) == plates.folded_hash(seen)
    assert plates.exact_hash(plate) != plates.exact_hash(seen)


@given(st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789粤京", min_size=2, max_size=10))
def test_folding_twice_changes_nothing_more(plate):
    assert plates.fold_plate(plates.fold_plate(plate)) == plates.fold_plate(plate)


@given(st.text(min_size=1, max_size=12))
def test_normalising_twice_changes_nothing_more(text):
    assert plates.normalise_plate(plates.normalise_plate(text)) == plates.normalise_plate(text)


@given(st.text(min_size=1, max_size=12))
def test_what_was_encrypted_is_read_again(plate):
    assert plates.decrypt_plate(plates.encrypt_plate(plate)) == plate


def test_encryption_gives_two_results_for_one_plate_and_notices_a_change():
    first, second = plates.encrypt_plate("粤B12345"), plates.encrypt_plate("粤B12345")

    assert first != second
    with pytest.raises(InvalidTag):
        plates.decrypt_plate(first[:-1] + bytes([first[-1] ^ 1]))


def test_another_key_finds_and_reads_nothing(settings):
    exact, secret = plates.exact_hash("粤B12345"), plates.encrypt_plate("粤B12345")

    settings.PLATE_KEY = bytes(32)

    assert plates.exact_hash("粤B12345") != exact
    with pytest.raises(InvalidTag):
        plates.decrypt_plate(secret)


def test_hashes_have_32_bytes_and_differ_in_purpose():
    assert len(plates.exact_hash("粤A11111")) == len(plates.folded_hash("粤A11111")) == 32
    assert plates.exact_hash("粤A11111") != plates.folded_hash("粤A11111")


@pytest.mark.parametrize(
    ("plate", "shown"),
    [("粤B12345", "粤B••345"), ("粤BD12345", "粤B•••345"), ("AB123", "A•••3"), ("AB", "••"), ("ABC", "A•C")],
)
def test_mask_shows_enough_for_the_owner_only(plate, shown):
    assert plates.mask_plate(plate) == shown


@pytest.mark.django_db
class TestVehicle:
    def test_is_found_however_the_plate_is_typed(self):
        vehicle = make_vehicle(make_user(), plate="粤b·1x345")

        assert Vehicle.objects.with_plate("粤B 1X345").get() == vehicle
        assert vehicle.plate == "粤B1X345"

    def test_database_holds_no_plate_in_clear(self):
        make_vehicle(make_user(), plate="粤B1X345")

        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(accounts_vehicle)::text FROM accounts_vehicle")
            stored = cursor.fetchone()[0]
        assert "1X345" not in stored
        assert b"1X345".hex() not in stored

    def test_tells_no_plate_in_repr_or_text(self):
        vehicle = make_vehicle(make_user(), plate="粤B1X345")

        assert "1X3" not in f"{vehicle!r} {vehicle} {vars(vehicle)}"

    def test_tells_no_plate_in_logs_of_queries(self, caplog):
        with caplog.at_level(logging.DEBUG, logger="django.db.backends"):
            connection.force_debug_cursor = True
            try:
                vehicle = make_vehicle(make_user(), plate="粤B1X345")
                Vehicle.objects.with_plate("粤B1X345").get()
                remove_vehicle(vehicle_id=vehicle.pk, now=NOW)
            finally:
                connection.force_debug_cursor = False

        assert any("accounts_vehicle" in record.getMessage() for record in caplog.records)
        assert "1X345" not in caplog.text

    def test_is_registered_once_per_account_but_in_several_accounts(self):
        driver, partner = make_user(), make_user()
        make_vehicle(driver, plate="粤B1X345")
        make_vehicle(partner, plate="粤B1X345")

        with pytest.raises(VehicleRefused):
            register_vehicle(driver=driver, plate="粤b 1x345", now=NOW)

    def test_may_come_back_after_it_was_removed(self):
        driver = make_user()
        old = make_vehicle(driver, plate="粤B1X345")
        remove_vehicle(vehicle_id=old.pk, now=NOW)

        assert make_vehicle(driver, plate="粤B1X345").pk != old.pk
