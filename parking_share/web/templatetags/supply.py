"""How pages of owners, managers and the city write weekdays, standings and counts of people."""

from collections.abc import Iterable, Mapping

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from parking_share.spaces.models import Space

register = template.Library()

FEWEST_SHOWN = 5
# The names that Django gives to days in dates: ours, marked here, are found before its own, which are long in Chinese.
_WEEKDAYS = [
    gettext_lazy("Mon"),
    gettext_lazy("Tue"),
    gettext_lazy("Wed"),
    gettext_lazy("Thu"),
    gettext_lazy("Fri"),
    gettext_lazy("Sat"),
    gettext_lazy("Sun"),
]
_STANDING_CLASSES = {
    Space.Standing.APPROVED: "badge--ok",
    Space.Standing.PENDING: "badge--wait",
    Space.Standing.PAUSED: "badge--wait",
    Space.Standing.REFUSED: "badge--no",
}


@register.filter
def weekday_names(numbers: Iterable[int]) -> str:
    """ISO weekdays by name: Mon, Tue; or “every day”."""
    chosen = sorted(numbers)
    if chosen == list(range(1, 8)):
        return _("every day")
    return pgettext("between weekdays", ", ").join(str(_WEEKDAYS[number - 1]) for number in chosen)


@register.filter
def standing_class(standing: str) -> str:
    """The colour that goes with a bay's standing, beside its word."""
    return _STANDING_CLASSES.get(Space.Standing(standing), "")


@register.filter
def of(counts: Mapping[int, int], key: int) -> int:
    """One count of a table of counts; what is not in it is none."""
    return counts.get(key, 0)


@register.filter
def people(count: int) -> str:
    """A number of people; so few that one might be known by it are not counted out."""
    return f"<{FEWEST_SHOWN}" if count < FEWEST_SHOWN else str(count)
