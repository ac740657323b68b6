"""Questions about gates."""

from parking_share.spaces.models import Gate
from sensors.models import Device


def sees_cars(lot_id: int, *, coming: bool) -> bool:
    """Whether a gate of the lot tells of cars that come, or that go."""
    lane = Gate.Kind.ENTRY if coming else Gate.Kind.EXIT
    return Device.objects.filter(lot=lot_id, gate__kind__in=[lane, Gate.Kind.BOTH], is_active=True).exists()
