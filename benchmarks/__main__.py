"""`./run bench [PART …] [--quick | --full]`: measure on a database of its own, print ratios and bars.

Parts: engine, policies, coverage, bookings, profile, rollups, gates, ingest, surveys; all of them where none is named.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parking_share.settings")
django.setup()

from django.db import connection  # noqa: E402 -- Django first

from benchmarks import anchor, bookings, coverage, engine, engine_policies, gates, ingest, profile, rollups, surveys  # noqa: E402
from tests.live import live_site  # noqa: E402

PARTS = ("engine", "policies", "coverage", "bookings", "profile", "rollups", "gates", "ingest", "surveys")


@contextmanager
def database() -> Iterator[None]:
    """A fresh database, removed afterwards."""
    usual = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        anchor.make_table()
        yield
    finally:
        connection.creation.destroy_test_db(usual, verbosity=0)


def main(arguments: list[str]) -> int:
    parts = [part for part in PARTS if part in arguments] or PARTS
    repeats, number = (1, 160) if "--quick" in arguments else (5, 400)
    if "engine" in parts:
        engine.report(days=4 if "--quick" in arguments else 8)
    if "policies" in parts:
        engine_policies.report(days=100 if "--full" in arguments else 4 if "--quick" in arguments else 8)
    if "coverage" in parts:
        coverage.report(quick="--quick" in arguments)
    with database():
        if "profile" in parts:
            profile.report()
        if "rollups" in parts:
            rollups.report(repeats=repeats)
        if "surveys" in parts:
            surveys.report()
        if "gates" in parts:
            with live_site(web_workers=bookings.WEB_WORKERS, web_threads=bookings.WEB_THREADS) as site:
                gates.report(site)
        if "bookings" in parts:
            with (
                live_site(web_workers=bookings.WEB_WORKERS, web_threads=bookings.WEB_THREADS) as site,
                bookings.bare_sites(site) as anchors,
            ):
                bookings.report(site, anchors, repeats=repeats, number=number)
        if "ingest" in parts:
            with live_site(web_workers=bookings.WEB_WORKERS, web_threads=bookings.WEB_THREADS) as site:
                ingest.report(site, repeats=repeats, number=number * 100)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
