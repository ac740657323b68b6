"""One row of every model of coverage that the admin shows."""

from collections.abc import Callable
from datetime import timedelta

from shapely.geometry import box

from coverage import models, runs
from coverage.changes import read_changes
from coverage.outlines import keep_outline
from coverage.scenarios import save_scenario
from parking_share.spaces.datum import Datum
from parking_share.spaces.models import District
from tests.factories import NOW, make_lot, make_user

READ_ONLY = (
    models.CityOutline,
    models.CoverageBase,
    models.CoveragePart,
    models.CoverageRun,
    models.Scenario,
)


def a_run(number: int, *, mode: models.Mode = models.Mode.FLAT) -> models.CoverageRun:
    """A picture of a city of two lots."""
    city = f"City {number}"
    district = District.objects.create(city=city, name="Only")
    for longitude in (114.11, 114.13):
        make_lot(district=district, longitude=longitude, capacity=20)
    models.CoverageSettings.objects.create(city=city, mode=mode)
    run = runs.compute_slot(city, slot_starts_at=NOW, now=NOW + timedelta(minutes=17))
    assert run is not None
    return run


def a_scenario(number: int) -> models.Scenario:
    return save_scenario(
        city="City", name=f"What if {number}", changes=read_changes(["close:1"]), made_by=make_user(), now=NOW
    )


def an_outline(number: int) -> models.CityOutline:
    kept = keep_outline(city=f"City {number}", outline=box(114, 22, 115, 23), datum=Datum.WGS84, source="", now=NOW)
    assert kept is not None
    return kept


MAKERS: dict[type, Callable[[int], object]] = {
    models.CityOutline: an_outline,
    models.CoverageBase: lambda number: a_run(number).base,
    models.CoveragePart: lambda number: a_run(number, mode=models.Mode.NESTED).parts.get(),
    models.CoverageRun: a_run,
    models.CoverageSettings: lambda number: models.CoverageSettings.objects.create(city=f"City {number}"),
    models.Scenario: a_scenario,
}
