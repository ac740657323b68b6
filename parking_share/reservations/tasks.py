from celery import shared_task

from parking_share import clock
from parking_share.reservations import retention, services


@shared_task(name="reservations.forget_old_keys")
def forget_old_keys(**_future: object) -> None:
    """Safe to run twice: what is gone is gone."""
    services.forget_old_keys(now=clock.now())


@shared_task(name="reservations.forget_plates")
def forget_plates(**_future: object) -> None:
    """Safe to run twice: what is forgotten is left alone."""
    retention.forget_plates(now=clock.now())
