"""Replay a day of real stays through the public API."""

import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from allocation.models import PolicyName
from parking_share import clock
from parking_share.demo import seeding
from parking_share.demo.client import Client
from parking_share.demo.copies import StatedSupply, replay_token
from parking_share.demo.replay import Outcome, Plan, replay
from parking_share.demo.replay_report import report
from parking_share.demo.stays import Day, RealStay, ReplayRefused, check_columns, stand_in, stays_of
from parking_share.errors import DomainError
from parking_share.spaces.calendar import region_of
from parking_share.spaces.management.commands.import_lots import pairs
from parking_share.spaces.models import Lot
from parking_share.spaces.tables import open_table


class Command(BaseCommand):
    help = (
        "Books every real stay of a day through the REST API of a running site, once under each policy, lets the "
        "Celery worker decide and assign, and prints what became of it. Past days are moved to a future date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV or CSV.gz with one row a stay, local times")
        parser.add_argument("--lot", type=int, required=True, help="id of the lot whose place and tariff are copied")
        parser.add_argument("--day", type=date.fromisoformat, required=True, help="arrivals of this date, YYYY-MM-DD")
        parser.add_argument("--policy", default="fcfs,best_fit,two_stage", help="default: %(default)s")
        parser.add_argument("--columns", type=pairs, default={"arrival": "arrival", "departure": "departure"})
        parser.add_argument("--bays", type=int, help="how many are shared (default: the lot's capacity)")
        parser.add_argument("--shared-from", type=time.fromisoformat, default=time(0, 0), help="default: 00:00")
        parser.add_argument("--shared-hours", type=float, default=36, help="default: %(default)s")
        parser.add_argument("--modal-stay-h", type=float, default=3.0, help="T_mode of the model, default %(default)s")
        parser.add_argument("--speed", type=float, default=0, help="times real time between requests; 0: no pause")
        parser.add_argument("--shuffle", type=int, help="ask in a random order from this seed, not that of arrival")
        parser.add_argument("--site", default="http://127.0.0.1:8000")
        parser.add_argument("--token", help="of a driver (default: one of a driver made for replays)")
        parser.add_argument("--patience", type=float, default=60, help="seconds to wait for the worker")
        parser.add_argument("--cancel", action="store_true", help="cancel the bookings again in the end")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            seeding.refuse_in_production()
            day = _read(options)
            plan = _plan(day, options)
            self._describe(plan, day, options)
            outcomes = self._replay(plan, options)
        except DomainError as refusal:
            raise CommandError(refusal.sentence) from refusal
        self.stdout.write(report(outcomes, stays=len(plan.stays), currency=plan.lot.currency))

    def _describe(self, plan: Plan, day: Day, options: dict[str, Any]) -> None:
        refused = ", ".join(f"{code}: {count}" for code, count in sorted(day.refused.items())) or "0"
        values = {
            "day": options["day"],
            "date": options["day"] + plan.moved_by,
            "stays": len(day.stays),
            "refused": refused,
            "bays": plan.supply.bays,
            "begin": plan.supply.starts_at.astimezone(plan.lot.zone).strftime("%m-%d %H:%M"),
            "end": plan.supply.ends_at.astimezone(plan.lot.zone).strftime("%m-%d %H:%M"),
        }
        self.stdout.write(_("%(stays)s stays of %(day)s, refused in the table: %(refused)s.") % values)
        self.stdout.write(_("Past days can't be booked: moved to %(date)s, the same weekday and local times.") % values)
        self.stdout.write(_("Supply of every copy: %(bays)s bays, all shared from %(begin)s to %(end)s.") % values)

    def _replay(self, plan: Plan, options: dict[str, Any]) -> list[Outcome]:
        token = options["token"] or replay_token(now=clock.now())
        client = Client(site=options["site"], token=token, patience_s=options["patience"])
        policies = _policies(options["policy"])
        outcomes = []
        with tqdm(total=len(plan.stays) * len(policies), file=sys.stderr, disable=None, leave=False) as bar:
            for policy in policies:
                bar.set_description(policy)
                outcomes.append(replay(plan, policy, client, clock=clock.now, tick=bar.update))
        if options["cancel"]:
            for pk in [pk for outcome in outcomes for pk in outcome.accepted]:
                client.cancel(pk)
        return outcomes


def _read(options: dict[str, Any]) -> Day:
    with open_table(options["file"]) as table:
        check_columns(options["columns"], table.header)
        day = stays_of(options["day"], table.rows, options["columns"])
    if not day.stays:
        raise ReplayRefused(_("The table has no stay that began on %(day)s.") % {"day": options["day"]})
    return day


def _plan(day: Day, options: dict[str, Any]) -> Plan:
    lot = Lot.objects.filter(pk=options["lot"]).first()
    if lot is None:
        raise ReplayRefused(_("There is no lot %(lot)s. Import it with import_lots first.") % {"lot": options["lot"]})
    bays = options["bays"] or lot.capacity
    if not bays or bays < 0 or options["shared_hours"] <= 0:
        raise ReplayRefused(_("Say how many bays are shared, and for how long: --bays, --shared-hours."))
    today = clock.now().astimezone(lot.zone).date()
    date_ahead = stand_in(options["day"], today=today, region=region_of(lot.time_zone))
    starts_at = datetime.combine(date_ahead, options["shared_from"], tzinfo=lot.zone)
    return Plan(
        lot=lot,
        stays=_ordered(day, options["shuffle"]),
        moved_by=date_ahead - options["day"],
        supply=StatedSupply(
            bays=bays, starts_at=starts_at, ends_at=starts_at + timedelta(hours=options["shared_hours"])
        ),
        modal_stay_h=options["modal_stay_h"],
        speed=options["speed"],
    )


def _ordered(day: Day, seed: int | None) -> list[RealStay]:
    """In order of arrival, as at a gate; or shuffled, as bookings made ahead."""
    if seed is None:
        return day.stays
    return [day.stays[index] for index in np.random.default_rng(seed).permutation(len(day.stays))]


def _policies(text: str) -> list[str]:
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    strange = sorted(set(chosen) - set(PolicyName.values))
    if strange or not chosen:
        values = {"names": ", ".join(strange), "known": ", ".join(PolicyName.values)}
        raise ReplayRefused(_("There is no policy %(names)s. Known are %(known)s.") % values)
    return chosen
