"""How pages write what sensors say: states of bays, ages, plates."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parking_share.accounts import plates
from sensors.models import Occupancy

register = template.Library()

_STATE_CLASSES = {Occupancy.FREE: "badge--ok", Occupancy.OCCUPIED: "badge--no", Occupancy.CLOSED: "badge--wait"}
# A shape for each state, so that it can be told without its colour
_STATE_SIGNS = {Occupancy.FREE: "○", Occupancy.OCCUPIED: "●", Occupancy.CLOSED: "✕", Occupancy.UNKNOWN: "?"}


@register.filter
def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that makes sense."""
    return duration(now - since)


@register.filter
def duration(length: timedelta) -> str:
    """A length of time in one unit: seconds below two minutes, days above two days."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 120:
        return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}
    if seconds < 7200:
        return ngettext("%(n)s minute", "%(n)s minutes", seconds // 60) % {"n": seconds // 60}
    if seconds < 172_800:
        return ngettext("%(n)s hour", "%(n)s hours", seconds // 3600) % {"n": seconds // 3600}
    return ngettext("%(n)s day", "%(n)s days", seconds // 86_400) % {"n": seconds // 86_400}


@register.filter
def state_class(state: str) -> str:
    """The colour of a bay's state, beside its word and its sign."""
    return _STATE_CLASSES.get(Occupancy(state), "")


@register.filter
def state_sign(state: str) -> str:
    return _STATE_SIGNS[Occupancy(state)]


@register.filter
def masked(encrypted: Any) -> str:
    """What may be shown of an encrypted plate."""
    return plates.mask_plate(plates.decrypt_plate(bytes(encrypted))) if encrypted else "–"


@register.filter
def percent(share: float) -> str:
    """A share without the false precision of decimals; what is a little is not nothing."""
    value = 100 * share
    if 0 < value < 1:
        return _("under 1 %")
    return f"{value:.0f} %"
