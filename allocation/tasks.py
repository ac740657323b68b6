import time

from celery import shared_task

from allocation import areas, laboratory, learning_nights, services, snapshots
from parking_share import bells, clock

AT_A_STRETCH_S = 10  # with the longest step well below the time limit of a task


@shared_task(name="allocation.decide")
def decide(*, lot_id: int, **_future: object) -> None:
    """Safe to run twice: a request that is decided no longer waits."""
    bells.answer("allocation.decide")
    services.decide(lot_id=lot_id, now=clock.now())


@shared_task(name="allocation.decide_area")
def decide_area(*, reservation_id: int, **_future: object) -> None:
    """Safe to run twice: a request that is decided no longer waits."""
    areas.decide_area(reservation_id=reservation_id, now=clock.now())


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


@shared_task(name="allocation.forget_snapshots")
def forget_snapshots(**_future: object) -> None:
    """Safe to run twice: what is forgotten is gone."""
    snapshots.forget_snapshots(now=clock.now())
    areas.blur_points(now=clock.now())


@shared_task(name="allocation.learn_demand")
def learn_demand(*, after_lot_id: int = 0, **_future: object) -> None:
    """Learn for some lots and ring for the next. Safe to run twice: what did not change gets no new version."""
    last = learning_nights.learn_demand(now=clock.now(), after_lot_id=after_lot_id)
    if last is not None:
        bells.ring("allocation.learn_demand", after_lot_id=last)


@shared_task(name=laboratory.TASK)
def work_on_lab_run(*, run_id: int, **_future: object) -> None:
    """Safe to run twice: a comparison is claimed, and a step that is there already is not written again."""
    ends = time.monotonic() + AT_A_STRETCH_S
    laboratory.work_on(run_id=run_id, now=clock.now(), may_go_on=lambda: time.monotonic() < ends)


@shared_task(name="allocation.continue_lab_runs")
def continue_lab_runs(**_future: object) -> None:
    """Safe to run twice: it only rings for comparisons that no worker holds."""
    for run_id in laboratory.runs_to_work_on(now=clock.now()):
        bells.ring(laboratory.TASK, run_id=run_id)
