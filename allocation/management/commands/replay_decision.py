"""Compute decisions again from what was kept of them."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from allocation.models import Decision
from allocation.replaying import Difference, NothingToReplay, Replay, replay


class Command(BaseCommand):
    help = (
        "Recompute a decision from the snapshot of its round and say “identical”, or show what is different. "
        "Exit status 1 where something is different or can't be computed again."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("decisions", nargs="*", type=int, metavar="ID", help="numbers of decisions")
        parser.add_argument(
            "--last", type=int, default=0, metavar="N", help="the N latest decisions that can be replayed"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        chosen = options["decisions"]
        if options["last"]:
            latest = Decision.objects.filter(place__isnull=False).order_by("-pk")
            chosen = [*chosen, *latest.values_list("pk", flat=True)[: options["last"]]]
        if not chosen:
            raise CommandError("Name a decision, or how many of the last ones: --last 100.")
        with translation.override("en"):
            failed = [pk for pk in chosen if not self._replay(pk)]
        if failed:
            raise CommandError(f"{len(failed)} of {len(chosen)} came out otherwise or can't be computed again.")

    def _replay(self, pk: int) -> bool:
        """Show one; say whether it is identical."""
        decision = Decision.objects.filter(pk=pk).first()
        if decision is None:
            self.stdout.write(f"decision {pk}: there is none of this number")
            return False
        try:
            found = replay(decision)
        except NothingToReplay as refusal:
            self.stdout.write(f"decision {pk}: {refusal.sentence}")
            return False
        self.stdout.write(f"decision {pk}: {_verdict(found)}")
        for one in found.differences:
            self.stdout.write(f"  {_line(one)}")
        for one in found.upset_before:
            self.stdout.write(f"  earlier in the round: {_line(one)}")
        return found.is_identical


def _verdict(found: Replay) -> str:
    answer = "identical" if found.is_identical else "different"
    if found.is_same_engine:
        return answer
    return f"{answer}, but decided by engine {found.decided_by}; this is engine {found.recomputed_by}"


def _line(one: Difference) -> str:
    return f"{one.what} of reservation {one.reservation_id}: {one.then} then, {one.now} now"
