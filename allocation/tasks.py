from celery import shared_task

from allocation import learning_nights, services
from parking_share import bells, clock


@shared_task(name="allocation.decide")
def decide(*, lot_id: int, **_future: object) -> None:
    """Safe to run twice: a request that is decided no longer waits."""
    bells.answer("allocation.decide")
    services.decide(lot_id=lot_id, now=clock.now())


@shared_task(name="allocation.assign")
def assign(*, lot_id: int, **_future: object) -> None:
    """Safe to run twice: a bay that is announced is left alone."""
    services.assign_arrivals(lot_id=lot_id, now=clock.now())


@shared_task(name="allocation.assign_due")
def assign_due(**_future: object) -> None:
    """Safe to run twice: it only rings."""
    services.ring_for_arrivals(now=clock.now())


@shared_task(name="allocation.sweep")
def sweep(**_future: object) -> None:
    """Safe to run twice: it only rings."""
    services.ring_for_what_waits(now=clock.now())


@shared_task(name="allocation.learn_demand")
def learn_demand(*, after_lot_id: int = 0, **_future: object) -> None:
    """Learn for some lots and ring for the next. Safe to run twice: what did not change gets no new version."""
    last = learning_nights.learn_demand(now=clock.now(), after_lot_id=after_lot_id)
    if last is not None:
        bells.ring("allocation.learn_demand", after_lot_id=last)
