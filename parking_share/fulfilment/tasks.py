from celery import shared_task

from parking_share import bells, clock
from parking_share.fulfilment.codes import forget_codes
from parking_share.fulfilment.discrepancies import attend_discrepancies
from parking_share.fulfilment.outbox import MOST_AT_ONCE, handle_outbox
from parking_share.fulfilment.overstays import attend_overstays
from parking_share.fulfilment.retention import forget_answers, forget_intruders, forget_listed


@shared_task(name="fulfilment.outbox")
def outbox(**_future: object) -> None:
    """Safe to run twice and at once: a row is deleted in the transaction that handled it. More left rings again."""
    bells.answer("fulfilment.outbox")
    if handle_outbox(now=clock.now()) >= MOST_AT_ONCE:
        bells.ring_unless_rung("fulfilment.outbox")


@shared_task(name="fulfilment.discrepancies")
def discrepancies(**_future: object) -> None:
    """Safe to run twice: it compares what is with what was promised, and opens or closes what differs."""
    attend_discrepancies(now=clock.now())


@shared_task(name="fulfilment.overstays")
def overstays(**_future: object) -> None:
    """Safe to run twice: who was moved is in another bay, what was told has a key, sums are computed anew."""
    attend_overstays(now=clock.now())


@shared_task(name="fulfilment.forget_intruders")
def forget_plates_of_incidents(**_future: object) -> None:
    """Safe to run twice: what is forgotten is left alone."""
    forget_intruders(now=clock.now())
    forget_listed(now=clock.now())
    forget_answers(now=clock.now())
    forget_codes(now=clock.now())
