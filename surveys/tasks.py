import time

from celery import shared_task

from parking_share import clock
from surveys import answering, imports

AT_A_STRETCH_S = 30  # well below the time limit of a task


@shared_task(name=imports.TASK)
def work_on_import(*, import_id: int, **_future: object) -> None:
    """Safe to run twice: an import is claimed, and every batch is counted in the transaction that takes it in."""
    ends = time.monotonic() + AT_A_STRETCH_S
    imports.work_on(import_id=import_id, now=clock.now(), may_go_on=lambda: time.monotonic() < ends)


@shared_task(name="surveys.continue_imports")
def continue_imports(**_future: object) -> None:
    """Safe to run twice: takes up what no worker holds, one after the other, as the bell would have."""
    ends = time.monotonic() + AT_A_STRETCH_S
    for import_id in imports.imports_to_work_on(now=clock.now()):
        if time.monotonic() >= ends:
            return
        imports.work_on(import_id=import_id, now=clock.now(), may_go_on=lambda: time.monotonic() < ends)


@shared_task(name="surveys.forget_drafts")
def forget_drafts(**_future: object) -> None:
    """Safe to run twice: what is deleted is gone."""
    answering.forget_drafts(now=clock.now())
