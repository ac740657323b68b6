from celery import shared_task

from allocation import services
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
