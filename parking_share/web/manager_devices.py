"""Gateways and devices of a lot: when they were heard, whose clock is off, who is silent; and the gateways' keys."""

from collections import defaultdict
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import lots_managed_by
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.scoped import managed_lot
from sensors.gateways import LIVE_KEYS
from sensors.health import DeviceHealth, device_health
from sensors.models import Gateway, GatewayKey
from sensors.services import issue_key, revoke_key

FINE_SHOWN = ":200"


@dataclass(frozen=True, kw_only=True)
class GatewayRow:
    """A gateway with its live keys and what is known of its devices in this lot."""

    gateway: Gateway
    keys: list[GatewayKey]
    devices: list[DeviceHealth]
    is_mine: bool

    @property
    def troubled(self) -> list[DeviceHealth]:
        return [one for one in self.devices if not one.is_fine]

    @property
    def fine(self) -> list[DeviceHealth]:
        return [one for one in self.devices if one.is_fine]

    @property
    def may_get_a_key(self) -> bool:
        return self.is_mine and len(self.keys) < len(LIVE_KEYS)


@require_http_methods(["GET", "HEAD"])
@signed_in
def devices(request: PersonalRequest, lot_id: int) -> HttpResponse:
    return _page(request, managed_lot(request, lot_id))


@require_POST
@never_cache
@signed_in
def key_issue(request: PersonalRequest, lot_id: int, gateway_id: int) -> HttpResponse:
    """Show a new secret, in this answer and never again."""
    lot = managed_lot(request, lot_id)
    gateway = get_object_or_404(_gateways_of_my_own(request).filter(lots=lot), pk=gateway_id)
    try:
        secret = issue_key(gateway_id=gateway.pk, now=clock.now())
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
        return redirect("web:manager_devices", lot.pk)
    shown = {"lot": lot, "gateway": gateway, "secret": secret, "send_to": _address(request, gateway, secret)}
    return render(request, "manager/key.html", shown)


@require_POST
@signed_in
def key_revoke(request: PersonalRequest, lot_id: int, gateway_id: int, key_id: int) -> HttpResponse:
    lot = managed_lot(request, lot_id)
    gateway = get_object_or_404(_gateways_of_my_own(request).filter(lots=lot), pk=gateway_id)
    key = get_object_or_404(gateway.keys.all(), pk=key_id)
    revoke_key(key_id=key.pk, now=clock.now())
    messages.success(request, _("This key opens nothing any more."))
    return redirect("web:manager_devices", lot.pk)


def _address(request: PersonalRequest, gateway: Gateway, secret: str) -> str:
    """Where the gateway sends to: a device knows its secret as a part of the address and nothing else."""
    if gateway.trust == Gateway.Trust.DEVICE:
        return request.build_absolute_uri(reverse("api:sensor_push", args=[secret]))
    return request.build_absolute_uri(reverse("api:sensor_events"))


def _gateways_of_my_own(request: PersonalRequest) -> QuerySet[Gateway]:
    """Gateways that write for no lot but the person's own: a key of any other would speak for somebody else's lot."""
    not_mine = Lot.objects.exclude(pk__in=lots_managed_by(request.user).order_by().values("pk"))
    return Gateway.objects.exclude(lots__in=not_mine)


def _page(request: PersonalRequest, lot: Lot) -> HttpResponse:
    now = clock.now()
    gateways = list(lot.gateways.prefetch_related("keys").order_by("name"))
    mine = set(_gateways_of_my_own(request).filter(lots=lot).values_list("pk", flat=True))
    by_gateway: dict[int, list[DeviceHealth]] = defaultdict(list)
    for health in device_health(lot, now=now):
        by_gateway[health.device.gateway_id].append(health)
    rows = [
        GatewayRow(
            gateway=gateway,
            keys=[key for key in gateway.keys.all() if key.revoked_at is None],
            devices=by_gateway[gateway.pk],
            is_mine=gateway.pk in mine,
        )
        for gateway in gateways
    ]
    return render(request, "manager/devices.html", {"lot": lot, "now": now, "rows": rows, "most": FINE_SHOWN})
