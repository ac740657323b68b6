"""Comparing all policies on recorded days: begun by a person, computed step by step by workers, kept for good.

The row of the comparison is the work: a worker claims it and writes each step in a transaction of its own, so a killed
worker loses one step and nothing is computed twice.
"""

import re
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import PurePath

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from allocation.engine.fields import InstanceError
from allocation.engine.instance import read_instance
from allocation.engine.version import engine_version
from allocation.history import MOST_REQUESTS, MOST_SPACES, RecordedDay, day_document, read_day, recorded_week
from allocation.laboratory_steps import STEPS, TOO_LONG, Found, take_step
from allocation.models import LabRun, LabStep
from parking_share import bells
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.spaces.models import District, Lot

TASK = "allocation.work_on_lab_run"
CLAIM = timedelta(minutes=2)
BUDGET_S = 1800.0
MOST_ATTEMPTS = 3
MOST_BYTES = 4 * 1024**2
MOST_SLOTS = 7 * 96
MOST_UNDER_WAY = 5
State = LabRun.State
UNDER_WAY = (State.WAITING, State.RUNNING)


class LaboratoryRefused(DomainError):
    code = "laboratory_refused"


def compare_week(*, lot: Lot, first_date: date, made_by: User | None, now: datetime) -> LabRun:
    """Read a past week of a lot and let workers compare all policies on it; HistoryRefused where there is nothing."""
    if datetime.combine(first_date + timedelta(days=8), datetime.min.time(), tzinfo=lot.zone) > now:
        raise LaboratoryRefused(_("That week is not over yet. Choose an earlier one."))
    _check_room(lot.district)
    days = recorded_week(lot, first_date=first_date)
    return _begin(LabRun(district=lot.district, lot=lot, first_date=first_date), days, made_by=made_by, now=now)


def compare_file(*, district: District, file_name: str, content: bytes, made_by: User | None, now: datetime) -> LabRun:
    """Compare all policies on an uploaded day; refused with a sentence that names the field where it is malformed."""
    _check_room(district)
    day = uploaded_day(content)
    run = LabRun(district=district, file_name=_harmless_name(file_name))
    return _begin(run, [day], made_by=made_by, now=now)


def uploaded_day(content: bytes) -> RecordedDay:
    """A day from an instance file, within the laboratory's bounds."""
    if len(content) > MOST_BYTES:
        raise LaboratoryRefused(_("The file is larger than %(n)s MB.") % {"n": MOST_BYTES // 1024**2})
    try:
        instance = read_instance(content)
    except InstanceError as error:
        raise LaboratoryRefused(_("The file is no instance: %(problem)s") % {"problem": error}) from error
    for number, most, sentence in (
        (len(instance.space_ids), MOST_SPACES, _("The laboratory compares lots of at most %(n)s bays.")),
        (len(instance.requests), MOST_REQUESTS, _("The laboratory compares days of at most %(n)s requests.")),
        (instance.importance.size, MOST_SLOTS, _("The laboratory compares at most %(n)s slots.")),
    ):
        if number > most:
            raise LaboratoryRefused(sentence % {"n": most})
    return RecordedDay(begins_at=None, instance=instance)


def cancel(*, run: LabRun) -> None:
    """Stop a comparison; what was computed stays."""
    if not LabRun.objects.filter(pk=run.pk, state__in=UNDER_WAY).update(state=State.CANCELLED, claimed_until=None):
        raise LaboratoryRefused(_("This comparison has ended already."))


def runs_to_work_on(*, now: datetime) -> list[int]:
    """Comparisons under way that no worker holds."""
    return list(LabRun.objects.filter(_free(now), state__in=UNDER_WAY).order_by("pk").values_list("pk", flat=True))


def work_on(*, run_id: int, now: datetime, may_go_on: Callable[[], bool] = lambda: True) -> bool:
    """Take steps of a comparison until it is through or time is up; whether it is through.

    Claimed by a conditional UPDATE, so two workers never compute the same step. A step at which workers died three
    times is noted as too long.
    """
    mine = LabRun.objects.filter(_free(now), pk=run_id, state__in=UNDER_WAY).update(
        state=State.RUNNING, claimed_until=now + CLAIM, attempts=F("attempts") + 1
    )
    if not mine:
        return True
    run = LabRun.objects.get(pk=run_id)
    days = [read_day(document) for document in run.days]
    for day, name in _open_steps(run, len(days)):
        if run.seconds_used > BUDGET_S:
            _end(run, State.OUT_OF_TIME)
            return True
        if not _take(run, days[day], day, name):
            return True
        if not may_go_on():
            LabRun.objects.filter(pk=run_id, state=State.RUNNING).update(claimed_until=None)
            bells.ring(TASK, run_id=run_id)
            return False
    _end(run, State.DONE)
    return True


def _take(run: LabRun, recorded: RecordedDay, day: int, name: str) -> bool:
    """Compute one step and keep it; False where the comparison was cancelled meanwhile."""
    began = time.monotonic()
    found: Found = dict(TOO_LONG) if run.attempts > MOST_ATTEMPTS else take_step(recorded, name)
    seconds = time.monotonic() - began
    with transaction.atomic():
        goes_on = LabRun.objects.select_for_update(no_key=True).filter(pk=run.pk, state=State.RUNNING).exists()
        if goes_on and LabStep.objects.get_or_create(run=run, day=day, name=name, defaults={"found": found})[1]:
            LabRun.objects.filter(pk=run.pk).update(
                steps_done=F("steps_done") + 1, seconds_used=F("seconds_used") + seconds, attempts=1
            )
    run.seconds_used += seconds
    run.attempts = 1
    return goes_on


def _open_steps(run: LabRun, days: int) -> list[tuple[int, str]]:
    """The steps that are left, day by day, so that what is there when time runs out is whole days."""
    taken = set(run.steps.values_list("day", "name"))
    return [(day, name) for day in range(days) for name in STEPS if (day, name) not in taken]


def _begin(run: LabRun, days: list[RecordedDay], *, made_by: User | None, now: datetime) -> LabRun:
    run.days = [day_document(day) for day in days]
    run.steps_in_all = len(days) * len(STEPS)
    run.engine_version = engine_version()
    run.made_at, run.made_by = now, made_by
    run.save(force_insert=True)
    bells.ring(TASK, run_id=run.pk)
    return run


def _end(run: LabRun, state: str) -> None:
    LabRun.objects.filter(pk=run.pk, state=State.RUNNING).update(state=state, claimed_until=None)


def _check_room(district: District) -> None:
    """Only so many at once: each takes minutes of a worker."""
    if LabRun.objects.filter(district=district, state__in=UNDER_WAY).count() >= MOST_UNDER_WAY:
        raise LaboratoryRefused(_("Several comparisons of this district are under way. Wait until one has ended."))


def _free(now: datetime) -> Q:
    return Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)


def _harmless_name(name: str) -> str:
    """A file name without folders and without what a page could not show."""
    last = PurePath(name.replace("\\", "/")).name
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", last)[:200] or "instance"
