"""Taking in a large file: a batch a transaction, going on after any interruption where it stopped.

How far a file was read is written in the transaction that took the rows, so a row is neither lost nor taken twice. A
file that was read to its end is read again from its beginning; what is known is left alone then.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from parking_share.errors import DomainError
from parking_share.spaces.tables import Row
from sensors.models import ImportRun

BATCH = 2000
Read = TypeVar("Read")


class ImportRefused(DomainError):
    """The import as a whole makes no sense; nothing was changed."""

    code = "import_refused"


class RowRefused(DomainError):
    """A row makes no sense: `code` says why in one word, `field` where."""

    def __init__(self, code: str, field_name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.field = code, field_name


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row that was left out: where, why, and what to do."""

    row_number: int
    field: str
    code: str
    sentence: str


@dataclass(kw_only=True)
class Tally:
    """What became of rows. `taken` changed something, `known` told nothing new, `left_out` was not asked for."""

    taken: int = 0
    known: int = 0
    left_out: int = 0
    written: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return self.taken + self.known + self.left_out + sum(self.refused.values())

    def add(self, other: "Tally") -> None:
        self.taken += other.taken
        self.known += other.known
        self.left_out += other.left_out
        self.written += other.written
        self.refused.update(other.refused)


TakeBatch = Callable[[list[Row], Callable[[Problem], object]], Tally]


def check_columns(
    columns: Mapping[str, str], header: Iterable[str], *, fields: Iterable[str], required: Iterable[str]
) -> None:
    """Refuse a mapping of fields that does not fit the table, before anything is read."""
    fields, header = list(fields), list(header)
    strange = sorted(set(columns) - set(fields))
    if strange:
        values = {"fields": ", ".join(strange), "known": ", ".join(fields)}
        raise ImportRefused(_("There is no field %(fields)s. Known fields are %(known)s.") % values)
    missing = [name for name in required if name not in columns]
    if missing:
        raise ImportRefused(_("Name the columns of %(fields)s in --columns.") % {"fields": ", ".join(missing)})
    absent = sorted(set(columns.values()) - set(header))
    if absent:
        values = {"columns": ", ".join(absent), "known": ", ".join(header)}
        raise ImportRefused(_("The table has no column %(columns)s. Its columns are %(known)s.") % values)


def fingerprint_of(path: Path, options: Iterable[str]) -> str:
    """A hash of what is in the file and of how it is to be read."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    for option in options:
        digest.update(b"\0" + option.encode())
    return digest.hexdigest()


@contextmanager
def run_of(*, kind: str, fingerprint: str, file_name: str, now: datetime) -> Iterator[ImportRun]:
    """The run of this file, to go on with or begun anew; refused while another process is at it."""
    key = int(fingerprint[:15], 16)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if cursor.fetchone() != (True,):
            raise ImportRefused(_("This file is being imported at this moment. Wait until that is done."))
    try:
        fresh = {"rows_done": 0, "rows_refused": 0, "began_at": now}
        run, _made = ImportRun.objects.get_or_create(
            fingerprint=fingerprint, defaults={"kind": kind, "file_name": file_name[-200:], **fresh}
        )
        if run.ended_at is not None:
            ImportRun.objects.filter(pk=run.pk).update(ended_at=None, **fresh)
            run.refresh_from_db()
        yield run
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def go_through(
    rows: Iterable[Row],
    *,
    run: ImportRun,
    take: TakeBatch,
    on_problem: Callable[[Problem], object],
    on_batch: Callable[[int], object],
    clock: Callable[[], datetime],
) -> Tally:
    """Take the rows that were not taken yet; memory holds one batch."""
    total = Tally()
    remaining = islice(rows, run.rows_done, None)
    while batch := list(islice(remaining, BATCH)):
        with transaction.atomic():
            tally = take(batch, on_problem)
            ImportRun.objects.filter(pk=run.pk).update(
                rows_done=F("rows_done") + len(batch), rows_refused=F("rows_refused") + sum(tally.refused.values())
            )
        total.add(tally)
        on_batch(len(batch))
    ImportRun.objects.filter(pk=run.pk).update(ended_at=clock())
    return total


def read_rows(
    rows: Iterable[Row], read: Callable[[Row], Read | None], tally: Tally, on_problem: Callable[[Problem], object]
) -> Iterator[Read]:
    """What the good rows say; each bad one is told and counted, what nobody asked for is counted."""
    for row in rows:
        try:
            found = read(row)
        except RowRefused as refusal:
            tally.refused[refusal.code] += 1
            on_problem(
                Problem(row_number=row.number, field=refusal.field, code=refusal.code, sentence=refusal.sentence)
            )
        else:
            if found is None:
                tally.left_out += 1
            else:
                yield found
