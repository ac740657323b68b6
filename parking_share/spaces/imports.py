"""Bringing lots in from tables of other people: keep the good rows, tell of the bad ones, change nothing twice."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from django.db import transaction
from django.utils.translation import gettext as _

from parking_share.errors import DomainError
from parking_share.spaces.import_rows import FIELDS, REQUIRED, ReadLot, RowRefused, Source, read_lot
from parking_share.spaces.models import AccessClass, District, Lot
from parking_share.spaces.tables import Row

BATCH = 500


class ImportRefused(DomainError):
    """The import as a whole makes no sense; nothing was changed."""

    code = "import_refused"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row that was left out: where, why, and what to do."""

    row_number: int
    field: str
    code: str
    sentence: str


@dataclass(kw_only=True)
class Summary:
    """What an import did, or would do."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def check_source(source: Source, header: Iterable[str]) -> None:
    """Refuse a mapping that does not fit the table, before anything is read."""
    known = list(header)
    unknown_fields = sorted(set(source.columns) - set(FIELDS))
    if unknown_fields:
        values = {"fields": ", ".join(unknown_fields), "known": ", ".join(FIELDS)}
        raise ImportRefused(_("There is no field %(fields)s. Known fields are %(known)s.") % values)
    missing = [name for name in REQUIRED if name not in source.columns]
    if missing:
        raise ImportRefused(_("Name the columns of %(fields)s in --columns.") % {"fields": ", ".join(missing)})
    absent = sorted(set(source.columns.values()) - set(known))
    if absent:
        values = {"columns": ", ".join(absent), "known": ", ".join(known)}
        raise ImportRefused(_("The table has no column %(columns)s. Its columns are %(known)s.") % values)
    _check_defaults(source)


def import_lots(
    rows: Iterable[Row],
    *,
    source: Source,
    dry_run: bool,
    on_problem: Callable[[Problem], object],
    on_batch: Callable[[int], object] = lambda _rows: None,
) -> Summary:
    """Create and update lots, a batch a transaction; a dry run reads everything and changes nothing.

    Safe to run twice, and after an interruption: a lot is known by its source and key. Of each row only a hash of its
    key is kept, so memory does not grow with the table's width.
    """
    summary = Summary()
    seen: set[bytes] = set()
    for batch in _batches(rows):
        lots = list(_checked(batch, source, seen, summary, on_problem))
        _take(lots, source, summary, dry_run=dry_run)
        on_batch(len(batch))
    return summary


def _check_defaults(source: Source) -> None:
    if "district" not in source.columns and not source.district:
        raise ImportRefused(_("Say in which district the lots lie: --district, or a column of it."))
    if not source.city:
        raise ImportRefused(_("Say in which city the lots lie: --city."))
    if "land_use" not in source.columns and source.land_use is None:
        raise ImportRefused(_("Say what the lots belong to: --land-use, or a column of it."))
    classes = list(AccessClass.objects.order_by("pk").values_list("pk", flat=True))
    if source.access_class and source.access_class not in classes:
        values = {"name": source.access_class, "known": ", ".join(classes)}
        raise ImportRefused(_("There is no access class %(name)s. Known are %(known)s.") % values)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _checked(
    batch: Iterable[Row],
    source: Source,
    seen: set[bytes],
    summary: Summary,
    on_problem: Callable[[Problem], object],
) -> Iterator[ReadLot]:
    """The good rows of a batch; each bad one is told and counted."""
    for row in batch:
        try:
            lot = read_lot(row, source)
            _refuse_repeated(lot, seen)
        except RowRefused as refusal:
            summary.refused[refusal.code] += 1
            on_problem(
                Problem(row_number=row.number, field=refusal.field, code=refusal.code, sentence=refusal.sentence)
            )
        else:
            yield lot


def _refuse_repeated(lot: ReadLot, seen: set[bytes]) -> None:
    digest = hashlib.blake2b(lot.source_key.encode(), digest_size=12).digest()
    if digest in seen:
        sentence = _("An earlier row has the same key. Remove one of them, or map a column that tells them apart.")
        raise RowRefused("key_repeated", "source_key", sentence)
    seen.add(digest)


@transaction.atomic
def _take(read: list[ReadLot], source: Source, summary: Summary, *, dry_run: bool) -> None:
    """Create, change or leave alone the lots of one batch. Known lots are locked in order of id."""
    keys = [lot.source_key for lot in read]
    known = Lot.objects.filter(source_key__in=keys).select_related("district").order_by("pk")
    if not dry_run:
        known = known.select_for_update(no_key=True, of=("self",))
    by_key = {lot.source_key: lot for lot in known}
    districts = {} if dry_run else _districts({lot.district for lot in read}, source)
    fresh, changed = [], []
    for one in read:
        lot = by_key.get(one.source_key)
        if lot is None:
            fresh.append(one)
        elif _differs(lot, one, source):
            changed.append((lot, one))
    if not dry_run:
        Lot.objects.bulk_create(_new_lot(one, source, districts) for one in fresh)
        fields = sorted({name for lot, one in changed for name in _change(lot, one, source, districts)})
        if fields:
            Lot.objects.bulk_update([lot for lot, _one in changed], fields)
    summary.created += len(fresh)
    summary.changed += len(changed)
    summary.unchanged += len(read) - len(fresh) - len(changed)


def _districts(names: Iterable[str], source: Source) -> dict[str, District]:
    return {name: District.objects.get_or_create(city=source.city, name=name)[0] for name in sorted(names)}


def _stated(one: ReadLot, source: Source) -> dict[str, object]:
    """What the table itself says of a lot; what only holds for new lots (zone, access class) is not here."""
    told: dict[str, object] = {"name": one.name, "latitude": one.latitude, "longitude": one.longitude}
    told |= {name: getattr(one, name) for name in ("address", "capacity") if name in source.columns}
    return told | ({"land_use": one.land_use} if "land_use" in source.columns else {})


def _differs(lot: Lot, one: ReadLot, source: Source) -> bool:
    moved = (lot.district.city, lot.district.name) != (source.city, one.district)
    return moved or any(getattr(lot, name) != value for name, value in _stated(one, source).items())


def _change(lot: Lot, one: ReadLot, source: Source, districts: Mapping[str, District]) -> list[str]:
    """Set what the table says on the lot; return the names of the fields."""
    told = _stated(one, source) | {"district": districts[one.district]}
    for name, value in told.items():
        setattr(lot, name, value)
    return list(told)


def _new_lot(one: ReadLot, source: Source, districts: Mapping[str, District]) -> Lot:
    return Lot(
        district=districts[one.district],
        name=one.name,
        address=one.address,
        source_key=one.source_key,
        time_zone=source.time_zone,
        latitude=one.latitude,
        longitude=one.longitude,
        land_use=one.land_use,
        access_class_id=source.access_class or one.land_use.value,
        capacity=one.capacity,
    )
