"""Real records, replayed as if they happened today: cars of one car park, and counters of several."""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from parking_share.demo.simulation.diary import Diary
from parking_share.demo.simulation.formats import Message
from parking_share.demo.stays import ReplayRefused
from parking_share.spaces.models import Lot
from sensors.models import Device, Gateway
from sensors.services import issue_key, live_keys, revoke_key

VISITS, COUNTS = "baihui_events_*.csv.gz", "germany_free_30min_*.csv.gz"
SITES = "germany_lots_*.csv"
MOST_COUNTERS = 8
WEEK = timedelta(weeks=1)
RECORDED_WEEK = datetime(2021, 9, 13, tzinfo=UTC)  # of the counters' record, the week of which today is one day
EVENTS_PATH = "/api/v1/sensors/events"

Post = Callable[[str, Message], object]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One recorded event, already moved to the present."""

    at: datetime
    device: str
    key: str
    fields: dict[str, Any]

    def message(self, secret: str) -> Message:
        event = {"key": self.key, "device": self.device, "reported_at": self.at.isoformat(), **self.fields}
        return Message(body=json.dumps({"events": [event]}).encode(), secret=secret)


class Records:
    """Posts recorded facts of this weekday over our own JSON, each at its own hour."""

    def __init__(self, folder: Path, lots: Sequence[Lot], *, now: datetime) -> None:
        if not folder.is_dir():
            sentence = _("There is no folder %(folder)s. Name the one that holds the records.")
            raise ReplayRefused(sentence % {"folder": folder})
        self._lots, self._now = lots, now
        self._gateway, self._secret = _gateway(lots, now=now)
        self._facts = [*self._visits(folder), *self._counts(folder)]

    def __len__(self) -> int:
        return len(self._facts)

    def write_into(self, diary: Diary, post: Post) -> None:
        for fact in self._facts:
            diary.at(fact.at, self._deed(fact, post))

    def _deed(self, fact: Fact, post: Post) -> Callable[[datetime], None]:
        def tell(_now: datetime) -> None:
            post(EVENTS_PATH, fact.message(self._secret))

        return tell

    def _visits(self, folder: Path) -> Iterator[Fact]:
        """Cars of a residential car park, in and out, under plates of our own: the record has none."""
        for path in sorted(folder.rglob(VISITS)):
            device = self._device("recorded-gate", self._lots[0])
            for row in _rows(path):
                came, left = (_local(row[name], self._lots[0]) for name in ("arrival", "departure"))
                if left > came:
                    yield from self._visit(row["event_id"], device, _moved_to(self._now, came) - came, came, left)

    def _visit(self, number: str, device: str, by: timedelta, came: datetime, left: datetime) -> Iterator[Fact]:
        for kind, instant in (("ENTER", came + by), ("EXIT", left + by)):
            if self._now <= instant < self._now + timedelta(days=1):
                key = f"{number}:{kind}:{instant:%Y%m%d}"
                yield Fact(at=instant, device=device, key=key, fields={"kind": kind, "plate": _stand_in(number)})

    def _counts(self, folder: Path) -> Iterator[Fact]:
        """Free bays of car parks with a counter, every half hour."""
        sizes = {row["lot_no"]: row["num_all"] for path in folder.rglob(SITES) for row in _rows(path)}
        chosen = [number for number, size in sizes.items() if size][: min(MOST_COUNTERS, len(self._lots) - 1)]
        devices = {
            number: self._device(f"recorded-counter-{number}", lot)
            for number, lot in zip(chosen, self._lots[1:], strict=False)
        }
        for path in sorted(folder.rglob(COUNTS)):
            for row in _rows(path):
                happened = datetime.fromisoformat(row["timestamp_utc"])
                if row["lot_no"] in devices and RECORDED_WEEK <= happened < RECORDED_WEEK + WEEK:
                    yield from self._count(row, devices[row["lot_no"]], round(float(sizes[row["lot_no"]])), happened)

    def _count(self, row: dict[str, str], device: str, size: int, happened: datetime) -> Iterator[Fact]:
        instant = _moved_to(self._now, happened)
        if instant < self._now + timedelta(days=1):
            fields = {"kind": "COUNT", "occupied": max(size - int(float(row["free"])), 0)}
            yield Fact(at=instant, device=device, key=f"{device}:{instant:%Y%m%d%H%M}", fields=fields)

    def _device(self, identifier: str, lot: Lot) -> str:
        Device.objects.get_or_create(gateway=self._gateway, identifier=identifier, defaults={"lot": lot})
        return identifier


def _gateway(lots: Iterable[Lot], *, now: datetime) -> tuple[Gateway, str]:
    gateway, _created = Gateway.objects.get_or_create(
        name="records", defaults={"format": Gateway.Format.OWN, "trust": Gateway.Trust.DEVICE}
    )
    gateway.lots.add(*lots)
    keys = live_keys(gateway)
    if len(keys) > 1:
        revoke_key(key_id=keys[0].pk, now=now)
    return gateway, issue_key(gateway_id=gateway.pk, now=now)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as text:
        yield from csv.DictReader(text)


def _local(value: str, lot: Lot) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=lot.zone)


def _moved_to(now: datetime, instant: datetime) -> datetime:
    """The same weekday and hour, in the week that begins now."""
    return instant - ((instant - now) // WEEK) * WEEK


def _stand_in(number: str) -> str:
    return f"R{int(number):06d}"
