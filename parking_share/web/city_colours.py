"""How the city map is coloured: the same classes for the painted map, the drawn one and the legend.

Ramps go from light to dark or apart from a light middle, and keep their order for people who see fewer colours: the
first is that of cividis [nunez2018], the second one hue, the third orange against purple.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

UNKNOWN = "#b9bdb8"
KEPT_TO = 5e-7  # rates are kept as 32-bit floats: 19 of 20 free bays are no less than 0.95


@dataclass(frozen=True, kw_only=True)
class Colouring:
    """Classes of one figure: `bounds[k]` is the least value of class k + 1, so there is one colour more than bounds."""

    name: str
    title: str | Promise
    explained: str | Promise
    bounds: Sequence[float]
    colours: Sequence[str]
    labels: Sequence[str]
    unknown_label: str | Promise

    def colour(self, value: float | None) -> str:
        if value is None:
            return UNKNOWN
        return self.colours[sum(value + KEPT_TO >= bound for bound in self.bounds)]

    def as_data(self) -> dict[str, Any]:
        """What scripts need of it."""
        return {
            "name": self.name,
            "title": str(self.title),
            "explained": str(self.explained),
            "bounds": list(self.bounds),
            "colours": list(self.colours),
            "labels": [str(label) for label in self.labels],
            "unknown": UNKNOWN,
            "unknown_label": str(self.unknown_label),
        }

    @property
    def legend(self) -> list[tuple[str, str]]:
        return [*zip(self.colours, self.labels, strict=True), (UNKNOWN, str(self.unknown_label))]


def _between(marks: Sequence[str]) -> list[str]:
    return [f"{low}–{high}" for low, high in pairwise(marks)]


_RAMP = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]
_TIMES = ["1/16", "1/8", "1/4", "1/2", "1", "2", "4", "8", "16"]
_PERCENT = ["5", "20", "40", "60", "80", "95"]

CAPABILITY = Colouring(
    name="capability",
    title=gettext_lazy("Service capability"),
    explained=gettext_lazy("Rank of the lot whose area it is, as a multiple of the mean of all lots."),
    bounds=[2.0**power for power in range(-4, 5)],
    colours=_RAMP,
    labels=[f"<{_TIMES[0]}", *_between(_TIMES), f"≥{_TIMES[-1]}"],
    unknown_label=gettext_lazy("not known"),
)
VACANCY = Colouring(
    name="vacancy",
    title=gettext_lazy("Vacancy"),
    explained=gettext_lazy("Free bays of the lot whose area it is, in percent of those that are open."),
    bounds=[0.05, 0.2, 0.4, 0.6, 0.8, 0.95],
    colours=["#67000d", "#a50f15", "#d94a35", "#f58b6c", "#fbbfa5", "#fee3d6", "#fff7f3"],
    labels=[f"<{_PERCENT[0]} %", *(f"{span} %" for span in _between(_PERCENT)), f"≥{_PERCENT[-1]} %"],
    unknown_label=gettext_lazy("closed"),
)
CHANGE = Colouring(
    name="change",
    title=gettext_lazy("Change in a week"),
    explained=gettext_lazy("Service capability against the same quarter of an hour one week earlier."),
    bounds=[0.25, 0.5, 0.8, 1.25, 2.0, 4.0],
    colours=["#b35806", "#f1a340", "#fee0b6", "#f7f7f7", "#d8daeb", "#998ec3", "#542788"],
    labels=["<×¼", "×¼–½", "×½–0.8", "≈", "×1.25–2", "×2–4", "≥×4"],
    unknown_label=gettext_lazy("no picture to compare with"),
)
COLOURINGS = {one.name: one for one in (CAPABILITY, VACANCY, CHANGE)}


def map_words() -> dict[str, str]:
    """What scripts of the map say, in the reader's language."""
    return {
        "nothing": _("There is no picture of this quarter of an hour."),
        "late": _("The picture of this quarter of an hour is late."),
        "refused": _("The picture of this quarter of an hour failed its checks and was not published."),
        "awaited": _("The picture of this quarter of an hour is not due yet."),
        "future": _("This quarter of an hour is still to come."),
        "backfilled": _("computed afterwards"),
        "not_comparable": _("There is no picture of the week before with the same lots, so nothing can be compared."),
        "play": _("Play the day"),
        "pause": _("Pause"),
        "failed": _("The map's data did not come. Check the connection and load the page again."),
        "lost": _("The graphics card gave up the map; it comes back by itself."),
        "no_webgl": _("This browser can't paint the map, so the server drew it."),
        "undrawn": _("This browser can't paint this map; the tables on this page say the same."),
        "map": _("Map of service areas. Arrow keys move it, plus and minus zoom, Enter asks whose area the middle is."),
        "outside": _("This point is outside of the city."),
        "ago_minutes": _("%(n)s min old"),
        "ago_hours": _("%(n)s h old"),
        "ago_days": _("%(n)s days old"),
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
    }


def rgb_of(colour: str) -> list[int]:
    """The parts of a colour that is written as #rrggbb."""
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
