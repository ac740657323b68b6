"""Bringing responses in from tables: upload, say which column is what, check everything, then take it in.

The row of the import is the work: a worker takes a batch a transaction and counts it there, so a killed worker loses
nothing and nothing is taken twice.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from pathlib import PurePath
from typing import BinaryIO

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from parking_share import bells
from parking_share.accounts.models import User
from surveys.columns import check_mapping, guess, remember
from surveys.import_rows import Reader, RowRefused, districts_by_name
from surveys.judgement import judge
from surveys.models import ImportProblem, ResponseImport, Wave
from surveys.services import SurveyRefused
from surveys.storing import Filled, Stored, known_references, question_ids, store_forms
from surveys.tabular import MOST_BYTES, Row, TableRefused, read_header, read_rows

BATCH = 500
CLAIM = timedelta(minutes=2)
TASK = "surveys.work_on_import"
State = ResponseImport.State
UNDER_WAY = (State.CHECKING, State.IMPORTING)


@dataclass(kw_only=True)
class Counts:
    """What became of the rows of a batch."""

    forms: list[Filled]
    problems: list[ImportProblem]


def upload(*, wave: Wave, file_name: str, content: bytes, uploaded_by: User | None, now: datetime) -> ResponseImport:
    """Keep a table and guess what its columns are; TableRefused where it is none."""
    if len(content) > MOST_BYTES:
        raise TableRefused(_("The file is larger than %(n)s MB. Split it.") % {"n": MOST_BYTES // 1024**2})
    header = read_header(BytesIO(content))
    mapping = guess(header, questionnaire=wave.questionnaire, definition=wave.version.definition)
    return ResponseImport.objects.create(
        wave=wave,
        file_name=_harmless_name(file_name),
        content=content,
        header=header,
        mapping=mapping,
        uploaded_at=now,
        uploaded_by=uploaded_by,
    )


@transaction.atomic
def start_check(*, response_import: ResponseImport, mapping: Mapping[str, str]) -> None:
    """Take the mapping and check every row with it; nothing else changes. The mapping is remembered."""
    locked = _locked(response_import, State.UPLOADED, State.CHECKED)
    definition = locked.wave.version.definition
    locked.mapping = check_mapping(mapping, header=locked.header, definition=definition)
    remember(locked.header, locked.mapping, questionnaire=locked.wave.questionnaire)
    _begin(locked, State.CHECKING)


@transaction.atomic
def start_import(*, response_import: ResponseImport) -> None:
    """Take in what was checked."""
    _begin(_locked(response_import, State.CHECKED), State.IMPORTING)


def imports_to_work_on(*, now: datetime) -> list[int]:
    """Imports under way that no worker holds."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    waiting = ResponseImport.objects.filter(free, state__in=UNDER_WAY).order_by("pk")
    return list(waiting.values_list("pk", flat=True))


def work_on(*, import_id: int, now: datetime, may_go_on: Callable[[], bool] = lambda: True) -> bool:
    """Go on with an import until it is through or time is up; whether it is through.

    Claimed by a conditional UPDATE, so two workers never read the same table at once.
    """
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    mine = ResponseImport.objects.filter(free, pk=import_id, state__in=UNDER_WAY).update(claimed_until=now + CLAIM)
    if not mine:
        return True
    job = ResponseImport.objects.select_related("wave__version", "wave__questionnaire").get(pk=import_id)
    try:
        is_through = _take_batches(job, BytesIO(bytes(job.content or b"")), may_go_on)
    except TableRefused as refusal:
        _finish(job, State.REFUSED, sentence=refusal.sentence)
        return True
    if is_through:
        _finish(job, State.CHECKED if job.state == State.CHECKING else State.DONE)
    else:
        ResponseImport.objects.filter(pk=job.pk).update(claimed_until=None)
        bells.ring(TASK, import_id=job.pk)
    return is_through


def take_file(job: ResponseImport, file: BinaryIO, *, on_batch: Callable[[int], object]) -> None:
    """Take in a file from the disk, batch by batch, without keeping its content."""

    def told() -> bool:
        on_batch(job.rows_done)
        return True

    _take_batches(job, file, told)
    _finish(job, State.CHECKED if job.state == State.CHECKING else State.DONE)


def _take_batches(job: ResponseImport, file: BinaryIO, may_go_on: Callable[[], bool]) -> bool:
    reader = Reader(
        definition=job.wave.version.definition,
        header=job.header,
        mapping=job.mapping,
        districts=districts_by_name(job.wave.questionnaire.city),
    )
    ids = question_ids(job.wave.version)
    rows = read_rows(file, columns=len(job.header))
    earlier: Counter[str] = Counter()
    for row in islice(rows, job.rows_done):
        _skip(reader, row, earlier)
    for batch in _batches(rows):
        counts = _read(job, reader, batch)
        if job.state == State.CHECKING:
            stored = _checked(job, counts.forms, earlier)
            _count(job, stored, counts.problems)
        else:
            with transaction.atomic():
                stored = store_forms(job.wave, counts.forms, ids=ids)
                _count(job, stored, counts.problems)
        if not may_go_on():
            return False
    return True


def _skip(reader: Reader, row: Row, earlier: Counter[str]) -> None:
    """Pass a row that was counted before: only its key matters for those that follow."""
    try:
        earlier[reader.form_of(row).reference] += 1
    except RowRefused:
        return


def _read(job: ResponseImport, reader: Reader, batch: list[Row]) -> Counts:
    counts = Counts(forms=[], problems=[])
    for row in batch:
        try:
            counts.forms.append(reader.form_of(row))
        except RowRefused as refusal:
            counts.problems.append(
                ImportProblem(
                    response_import=job, row_number=row.number, column=refusal.column, sentence=refusal.sentence
                )
            )
    return counts


def _checked(job: ResponseImport, forms: list[Filled], earlier: Counter[str]) -> Stored:
    """What taking these forms in would do; `earlier` remembers the keys of the table so far."""
    known = known_references(job.wave, forms)
    created = invalid = 0
    for form in forms:
        if form.reference not in known and not earlier[form.reference]:
            created += 1
            invalid += bool(judge(job.wave.version.definition, form.answers, seconds=form.seconds))
        earlier[form.reference] += 1
    return Stored(created=created, invalid=invalid, already_there=len(forms) - created)


@transaction.atomic
def _count(job: ResponseImport, stored: Stored, problems: list[ImportProblem]) -> None:
    ImportProblem.objects.bulk_create(problems)
    job.created += stored.created
    job.invalid += stored.invalid
    job.already_there += stored.already_there
    job.refused += len(problems)
    job.rows_done = job.created + job.already_there + job.refused
    job.save(update_fields=["created", "invalid", "already_there", "refused", "rows_done"])


def _begin(job: ResponseImport, state: str) -> None:
    """Start a pass over the table from its first row."""
    if job.state == State.CHECKED and state == State.IMPORTING:
        job.rows = job.rows_done
    job.problems.all().delete()
    job.state, job.sentence, job.claimed_until = state, "", None
    job.created = job.invalid = job.already_there = job.refused = job.rows_done = 0
    job.save(
        update_fields=[
            "mapping", "state", "sentence", "claimed_until", "created", "invalid", "already_there", "refused",
            "rows_done", "rows",
        ]
    )  # fmt: skip
    bells.ring(TASK, import_id=job.pk)


def _finish(job: ResponseImport, state: str, *, sentence: str = "") -> None:
    """Say how it ended; what is done or refused for good needs its content no more."""
    job.state, job.sentence, job.claimed_until = state, sentence, None
    if state != State.CHECKED:
        job.content = None
    job.rows = job.rows_done
    job.save(update_fields=["state", "sentence", "claimed_until", "content", "rows"])


def _locked(response_import: ResponseImport, *states: str) -> ResponseImport:
    locked = (
        ResponseImport.objects.select_for_update(of=("self",))
        .select_related("wave__version", "wave__questionnaire")
        .get(pk=response_import.pk)
    )
    if locked.state not in states:
        raise SurveyRefused(_("This table is being worked on, or was taken in already."))
    return locked


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _harmless_name(name: str) -> str:
    """A file name without folders and without what a page could not show."""
    return (
        re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", PurePath(name.replace("\\", "/")).name)[:200]
        or "table"
    )
