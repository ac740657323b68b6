from celery import shared_task

from parking_share import bells, clock
from parking_share.fulfilment.discrepancies import attend_discrepancies
from parking_share.fulfilment.outbox import handle_outbox


@shared_task(name="fulfilment.outbox")
def outbox(**_future: object) -> None:
    """Safe to run twice and at once: a row is deleted in the transaction that handled it."""
    bells.answer("fulfilment.outbox")
    handle_outbox(now=clock.now())


@shared_task(name="fulfilment.discrepancies")
def discrepancies(**_future: object) -> None:
    """Safe to run twice: it compares what is with what was promised, and opens or closes what differs."""
    attend_discrepancies(now=clock.now())
