"""Rows of what was learnt, and of areas, for the tests of the admin."""

from collections.abc import Callable

from allocation.areas import Area, AreaWish, change_weights, request_in_area
from allocation.models import AreaRequest, AreaWeights, LearntDemand
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_user, make_vehicle

READ_ONLY: tuple[type, ...] = (AreaRequest, LearntDemand)


def a_lesson(_number: int) -> LearntDemand:
    counts = {name: [1] * 96 for name in ("occupied_days", "arrivals", "wanted_lengths", "stay_lengths")}
    return LearntDemand.objects.create(
        lot=make_lot(),
        day_type="WORKDAY",
        version=1,
        engine_version=1,
        occupied=[1.0] * 96,
        asked_days=5,
        lead_total_h=96,
        first_date=NOW.date(),
        last_date=NOW.date(),
        learnt_at=NOW,
        **counts,
    )


def an_area(_number: int) -> AreaRequest:
    lot, driver = make_shared_lot(), make_user()
    latitude, longitude = lot.entrance
    wish = AreaWish(
        area=Area(latitude=latitude, longitude=longitude, radius_m=400),
        vehicles=[make_vehicle(driver)],
        starts_at=NOW + hours(1),
        ends_at=NOW + hours(2),
    )
    request_in_area(driver=driver, wish=wish, now=NOW)
    return AreaRequest.objects.get(reservation__driver=driver)


def some_weights(_number: int) -> AreaWeights:
    return change_weights(walk_cents_per_100m=90, sustainability_cents=10, changed_by=make_user(), now=NOW)


def makers() -> dict[type, Callable[[int], object]]:
    return {AreaRequest: an_area, AreaWeights: some_weights, LearntDemand: a_lesson}
