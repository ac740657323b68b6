from celery import shared_task

from parking_share import clock
from parking_share.notices import services


@shared_task(name="notices.tell")
def tell(**_future: object) -> None:
    """Safe to run twice: the cursor moves on, and a notice is unique."""
    services.write_notices(now=clock.now())


@shared_task(name="notices.mail")
def mail(**_future: object) -> None:
    """Safe to run twice: an e-mail is claimed before it is sent."""
    services.mail_notices(now=clock.now())
