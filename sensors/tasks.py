from celery import shared_task

from parking_share import bells, clock
from sensors import partitions, profiles, retention, rollups, services


@shared_task(name="sensors.roll_up")
def roll_up(**_future: object) -> None:
    """Safe to run twice: the same facts give the same rows, and only one worker rolls at a time."""
    rollups.roll_up(now=clock.now())


@shared_task(name="sensors.learn_profiles")
def learn_profiles(*, after_lot_id: int = 0, **_future: object) -> None:
    """Learn for some lots and ring for the next. Safe to run twice: what did not change gets no new version."""
    last = profiles.learn(now=clock.now(), after_lot_id=after_lot_id)
    if last is not None:
        bells.ring("sensors.learn_profiles", after_lot_id=last)


@shared_task(name="sensors.tend_months")
def tend_months(**_future: object) -> None:
    """Safe to run twice: a month that is there is left alone, one that is gone is gone."""
    partitions.tend(now=clock.now())


@shared_task(name="sensors.forget")
def forget(**_future: object) -> None:
    """Safe to run twice: what is gone is gone."""
    retention.forget(now=clock.now())


@shared_task(name="sensors.read_waiting")
def read_waiting(**_future: object) -> None:
    """Safe to run twice and beside others: a message is claimed, and what is known is not stored again."""
    services.read_waiting(now=clock.now())
