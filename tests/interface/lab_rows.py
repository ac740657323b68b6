"""A comparison of policies for tests of pages: a small day, computed once for all of them."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from allocation import laboratory
from allocation.engine.generator import generate_instance
from allocation.engine.writing import instance_document
from allocation.laboratory_steps import STEPS, Found, take_step
from allocation.models import LabRun, LabStep
from parking_share import bells
from parking_share.spaces.models import District
from tests.factories import NOW


def day_file(*, spaces: int = 3, requests: int = 8) -> bytes:
    """An instance file."""
    day = generate_instance(np.random.default_rng(5), spaces=spaces, requests=requests)
    return json.dumps(instance_document(day)).encode()


def make_comparison(district: District, *, state: str = "DONE", **fields: Any) -> LabRun:
    """A comparison whose steps are all there, whatever its state says; no worker is told of it."""
    with bells.muted():
        run = laboratory.compare_file(
            district=district, file_name="day.json", content=day_file(), made_by=None, now=NOW
        )
    LabStep.objects.bulk_create(LabStep(run=run, day=0, name=name, found=found) for name, found in _found().items())
    LabRun.objects.filter(pk=run.pk).update(state=state, steps_done=len(STEPS), **fields)
    run.refresh_from_db()
    return run


@cache
def _found() -> dict[str, Found]:
    day = laboratory.uploaded_day(day_file())
    return {name: take_step(day, name) for name in STEPS}


MAKERS: dict[type, Callable[[int], object]] = {
    LabRun: lambda number: make_comparison(_district(number), state="DONE"),
    LabStep: lambda number: make_comparison(_district(number)).steps.latest("pk"),
}


def _district(number: int) -> District:
    return District.objects.get_or_create(city="Here", name=f"district {number}")[0]
