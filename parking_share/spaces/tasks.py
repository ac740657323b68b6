from celery import shared_task

from parking_share import clock
from parking_share.spaces import services


@shared_task(name="spaces.materialise_all")
def materialise_all(**_future: object) -> None:
    """Safe to run twice: windows that are as they should be are left alone."""
    services.materialise_all(now=clock.now())
