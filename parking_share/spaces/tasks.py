from celery import shared_task

from parking_share import clock
from parking_share.spaces import services


@shared_task(name="spaces.materialise_all")
def materialise_all(**_future: object) -> None:
    """Safe to run twice: it only rings."""
    services.ring_for_windows()


@shared_task(name="spaces.materialise")
def materialise(*, lot_id: int, **_future: object) -> None:
    """Safe to run twice: windows that are as they should be are left alone."""
    services.materialise_lot(lot_id=lot_id, now=clock.now())
