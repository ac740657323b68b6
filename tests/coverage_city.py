"""A small city with pictures, as the tests of coverage know it: public lots of growing size, seen by counters."""

from datetime import datetime, timedelta

from coverage import runs
from coverage.models import CoverageRun
from parking_share.spaces.models import AccessClass, District, LandUse, Lot
from tests.factories import NOW, make_lot, make_slot

CITY = "深圳"
SLOT = timedelta(minutes=15)
PLACES = [
    (22.550, 114.110),
    (22.553, 114.113),
    (22.556, 114.109),
    (22.549, 114.118),
    (22.560, 114.120),
    (22.552, 114.104),
]


def make_public_lots(district: District | None = None, **fields: object) -> list[Lot]:
    """Six lots of 20 to 70 bays that everybody may use."""
    public = AccessClass.objects.get(code="PUBLIC")
    place = {} if district is None else {"district": district}
    return [
        make_lot(
            latitude=north,
            longitude=east,
            access_class=public,
            land_use=LandUse.PUBLIC,
            capacity=20 + 10 * number,
            **place,
            **fields,
        )
        for number, (north, east) in enumerate(PLACES)
    ]


def make_picture(slot_starts_at: datetime = NOW, *, city: str = CITY, **taken: float) -> CoverageRun:
    """The picture of a slot; `taken` names lots by `lot<id>` and says how many of their bays were in use."""
    for name, mean in taken.items():
        lot = Lot.objects.get(pk=int(name.removeprefix("lot")))
        make_slot(lot, slot_starts_at, mean, newest_reading_at=slot_starts_at + SLOT - timedelta(minutes=1))
    run = runs.compute_slot(city, slot_starts_at=slot_starts_at, now=slot_starts_at + SLOT + timedelta(minutes=2))
    assert run is not None
    assert run.status == CoverageRun.Status.PUBLISHED
    return run
