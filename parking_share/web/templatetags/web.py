"""How pages write money, distances and periods."""

from datetime import UTC, date, datetime

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from parking_share.notices.models import Notice
from parking_share.notices.words import sentences_of
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot

register = template.Library()

_SIGNS = {"CNY": "¥", "EUR": "€", "GBP": "£", "SGD": "S$", "USD": "$"}
_STATUS_CLASSES: dict[str, str] = {
    Status.REQUESTED: "badge--wait",
    Status.ACCEPTED: "badge--ok",
    Status.ASSIGNED: "badge--ok",
    Status.PARKED: "badge--ok",
    Status.DECLINED: "badge--no",
    Status.EXPIRED: "badge--no",
    Status.RELEASED: "badge--no",
}
_WITHOUT_MINOR_UNITS = {"JPY", "KRW"}


@register.filter
def money(cents: int, currency: str) -> str:
    """Integer minor units with their currency: 1200, CNY is ¥12.00."""
    sign = _SIGNS.get(currency, f"{currency} ")
    if currency in _WITHOUT_MINOR_UNITS:
        return f"{sign}{cents}"
    return f"{sign}{cents // 100}.{cents % 100:02d}"


@register.filter
def distance(metres: float) -> str:
    """A walk in steps that a person can use: 50 m up to one kilometre, then tenths of a kilometre."""
    if metres < 975:
        return _("%(n)s m") % {"n": max(round(metres / 50) * 50, 50)}
    return _("%(n)s km") % {"n": formats.number_format(metres / 1000, 1)}


@register.filter
def at_lot(value: datetime, lot: Lot) -> datetime:
    """The instant on the lot's own clock."""
    return value.astimezone(lot.zone)


@register.simple_tag
def period(starts_at: datetime, ends_at: datetime, lot: Lot, on: date | None = None) -> SafeString:
    """A period on the lot's clock; another second day is named, and so is a zone that is not the site's.

    The first day is left out where the reader knows that it is `on`.
    """
    start, end = starts_at.astimezone(lot.zone), ends_at.astimezone(lot.zone)
    last = clock_time(end) if start.date() == end.date() else f"{day(end)} {clock_time(end)}"
    zone = "" if lot.time_zone == timezone.get_default_timezone_name() else f" ({lot.time_zone})"
    return format_html(
        '<time datetime="{}">{}</time> – <time datetime="{}">{}</time>{}',
        start.isoformat(),
        clock_time(start) if start.date() == on else f"{day(start)} {clock_time(start)}",
        end.isoformat(),
        last,
        zone,
    )


@register.simple_tag
def moment(value: datetime, lot: Lot) -> SafeString:
    """One instant on the lot's clock."""
    local = value.astimezone(lot.zone)
    return format_html('<time datetime="{}">{} {}</time>', local.isoformat(), day(local), clock_time(local))


@register.filter
def instant(value: datetime) -> str:
    """An instant as it stands in our links and hidden fields: UTC, to the minute."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


@register.filter
def clock_time(local: datetime) -> str:
    """Hours and minutes, 24 hours, as they stand."""
    return f"{local:%H:%M}"


@register.filter
def day(local: datetime) -> str:
    """A weekday and a date: Mon 23 Nov, or 11月23日 周一."""
    return formats.date_format(local, _("D j M"))


@register.filter
def status_class(status: str) -> str:
    """The colour that goes with a status, beside its word."""
    return _STATUS_CLASSES.get(status, "")


@register.filter
def sentences(notice: Notice) -> list[str]:
    """What a notice of a kind of its own says below its headline."""
    return sentences_of(notice)
