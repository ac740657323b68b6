import threading
from dataclasses import replace

import pytest
from django.db import connection

from allocation import services as allocation
from allocation.models import LotPolicy
from allocation.pictures import policies_by_lot
from allocation.policies import PolicyRefused, Settings, change_policy, history_of
from parking_share.reservations.services import Wish
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db

FCFS = Settings(name="fcfs", threshold=1.5, fragment_weight=0.7, modal_stay_h=3.0)
TWO_STAGE = Settings(name="two_stage", threshold=1.5, fragment_weight=0.7, modal_stay_h=3.0)


def test_a_change_supersedes_the_row_and_adds_another():
    lot, operator = make_lot(), make_user()
    first = change_policy(lot=lot, settings=FCFS, changed_by=operator, now=NOW)

    second = change_policy(lot=lot, settings=TWO_STAGE, changed_by=operator, now=NOW + hours(1))

    first.refresh_from_db()
    assert (first.name, first.superseded_at) == ("fcfs", NOW + hours(1))
    assert (second.version, second.valid_from, second.superseded_at) == (2, NOW + hours(1), None)
    assert list(history_of(lot)) == [second, first]
    assert policies_by_lot([lot]) == {lot.pk: second}


def test_the_policy_for_everywhere_else_has_versions_of_its_own():
    lot, plain, operator = make_lot(), make_lot(), make_user()
    own = change_policy(lot=lot, settings=FCFS, changed_by=operator, now=NOW)

    everywhere = change_policy(lot=None, settings=TWO_STAGE, changed_by=operator, now=NOW)

    assert everywhere.version == 1
    assert policies_by_lot([lot, plain]) == {lot.pk: own, plain.pk: everywhere}


def test_settings_that_are_in_force_make_no_version():
    lot, operator = make_lot(), make_user()
    change_policy(lot=lot, settings=FCFS, changed_by=operator, now=NOW)

    with pytest.raises(PolicyRefused):
        change_policy(lot=lot, settings=FCFS, changed_by=operator, now=NOW + hours(1))

    assert LotPolicy.objects.filter(lot=lot).count() == 1


@pytest.mark.parametrize(
    "wrong", [{"name": "magic"}, {"threshold": -1.0}, {"fragment_weight": 1.2}, {"modal_stay_h": 0.1}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    lot, operator = make_lot(), make_user()
    values = {"name": "fcfs", "threshold": 1.5, "fragment_weight": 0.7, "modal_stay_h": 3.0} | wrong

    with pytest.raises(PolicyRefused):
        change_policy(lot=lot, settings=Settings(**values), changed_by=operator, now=NOW)

    assert not LotPolicy.objects.filter(lot=lot).exists()


def test_a_decision_keeps_the_name_and_version_it_was_made_by():
    lot, operator, driver = make_shared_lot(), make_user(), make_user()
    change_policy(lot=lot, settings=FCFS, changed_by=operator, now=NOW)
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=NOW + hours(1), ends_at=NOW + hours(2))
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=NOW)
    allocation.decide(lot_id=lot.pk, now=NOW)

    change_policy(lot=lot, settings=TWO_STAGE, changed_by=operator, now=NOW)

    assert (reservation.decision.policy_name, reservation.decision.policy_version) == ("fcfs", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scoped", [True, False], ids=["of a lot", "for everywhere else"])
def test_two_changes_at_once_make_two_versions_and_one_in_force(scoped):
    lot, operator = make_lot(), make_user()
    errors = []
    gate = threading.Barrier(2)

    def change(settings):
        try:
            gate.wait()
            change_policy(lot=lot if scoped else None, settings=settings, changed_by=operator, now=NOW)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[settings]) for settings in (FCFS, TWO_STAGE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = history_of(lot if scoped else None)
    assert errors == []
    assert [(row.version, row.superseded_at is None) for row in rows] == [(2, True), (1, False)]


@pytest.mark.parametrize(
    "numbers",
    [{"threshold": float("nan")}, {"threshold": 1e308}, {"modal_stay_h": float("inf")}, {"modal_stay_h": 1e308}],
)
def test_numbers_with_which_no_decision_could_be_made_are_refused(numbers):
    with pytest.raises(PolicyRefused):
        change_policy(lot=make_lot(), settings=replace(FCFS, **numbers), changed_by=make_user(), now=NOW)
