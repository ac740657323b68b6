from celery import shared_task

from coverage import reports, runs, scenarios, services
from parking_share import clock


@shared_task(name="coverage.attend")
def attend(**_future: object) -> None:
    """Safe to run twice: a slot is claimed by its row, and published once."""
    services.attend(now=clock.now())


@shared_task(name="coverage.part")
def part(*, part_id: int, **_future: object) -> None:
    """Safe to run twice: a part that is done is left alone."""
    runs.compute_part(part_id, now=clock.now())


@shared_task(name="coverage.what_if")
def what_if(*, run_id: int, changes: str, **_future: object) -> None:
    """Safe to run twice: what is computed is left alone, and nothing is saved."""
    reports.compute_report(run_id=run_id, changes=changes.split("\n"), now=clock.now())


@shared_task(name="coverage.thin_out")
def thin_out(**_future: object) -> None:
    """Safe to run twice: it drops what is old."""
    services.thin_out(now=clock.now())
    scenarios.forget_scenarios(now=clock.now())
