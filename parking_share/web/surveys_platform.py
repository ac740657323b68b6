"""What people say beside what they do: hours that owners would share and do publish, times drivers want and book."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.spaces.models import District
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.survey_scope import own_wave
from surveys.crosstabs import DISTRICT, CrossTable, cross_table
from surveys.definition import Meaning, Option, QuestionSpec
from surveys.engine.suppression import FEWEST_SHOWN
from surveys.exports import HIDDEN, Cell
from surveys.models import Wave
from surveys.platform import EVERYWHERE, booked_times, published_hours
from surveys.selectors import willingness_by_district
from surveys.summaries import Subset, summarise

WEEKS = timedelta(days=28)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One option: what share of people said it, and what share of bays or bookings bear it out; None is not shown."""

    option: Option
    said: float | None
    done: float | None


@dataclass(frozen=True, kw_only=True)
class Place:
    """The city or a district: how many people were asked there, and how many bays or bookings were counted."""

    name: str
    asked: int
    counted: int
    rows: list[Beside]

    @property
    def is_empty(self) -> bool:
        return all(row.said is None and row.done is None for row in self.rows)


@require_http_methods(["GET", "HEAD"])
@signed_in
def beside_platform(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """A wave beside the platform, district by district. Groups of fewer than five are not shown."""
    wave, now = own_wave(request, wave_id), clock.now()
    definition = wave.version.definition
    districts = list(District.objects.filter(city=wave.questionnaire.city).order_by("name"))
    hours, times = definition.meaning(Meaning.SHAREABLE_HOURS), definition.meaning(Meaning.DEMAND_TIMES)
    willing = willingness_by_district(
        Meaning.WILLING_TO_SHARE if hours else Meaning.WILLING_TO_USE,
        district_ids=[district.pk for district in districts],
        include_synthetic=wave.is_synthetic,
    )
    context = {
        "wave": wave,
        "survey": wave.questionnaire,
        "definition": definition,
        "here": "platform",
        "hours": hours,
        "times": times,
        "shared": _shared(wave, hours, districts, now) if hours else [],
        "wanted": _wanted(wave, times, districts, now) if times else [],
        "has_table": hours is not None or times is not None,
        "willing": [(district, willing.get(district.pk)) for district in districts],
    }
    return render(request, "surveys/platform.html", context)


def beside_rows(wave: Wave, *, now: datetime) -> Iterator[list[Cell]]:
    """The page's two comparisons as one table; what is not shown there is empty here."""
    definition = wave.version.definition
    districts = list(District.objects.filter(city=wave.questionnaire.city).order_by("name"))
    yield [_("Question"), _("District"), _("People asked"), _("Answer"), _("said, %"), _("done, %")]
    for meaning, places_of in ((Meaning.SHAREABLE_HOURS, _shared), (Meaning.DEMAND_TIMES, _wanted)):
        if (question := definition.meaning(meaning)) is not None:
            for place in places_of(wave, question, districts, now):
                yield from _rows_of(question, place)


def _rows_of(question: QuestionSpec, place: Place) -> Iterator[list[Cell]]:
    asked = HIDDEN if 0 < place.asked < FEWEST_SHOWN else place.asked
    for row in place.rows:
        shares: list[Cell] = ["" if share is None else round(100 * share, 2) for share in (row.said, row.done)]
        yield [str(question.text), place.name, asked, str(row.option.text), *shares]


def _shared(wave: Wave, hours: QuestionSpec, districts: list[District], now: datetime) -> list[Place]:
    published = published_hours(districts, hours.options, now=now)
    done = {place: (one.shares, one.bays) for place, one in published.items()}
    return _places(wave, hours, districts, done)


def _wanted(wave: Wave, times: QuestionSpec, districts: list[District], now: datetime) -> list[Place]:
    booked = booked_times(districts, times.options, since=now - WEEKS, now=now)
    done = {place: (one.shares, one.reservations) for place, one in booked.items()}
    return _places(wave, times, districts, done)


def _places(
    wave: Wave,
    question: QuestionSpec,
    districts: list[District],
    done: Mapping[int, tuple[Sequence[float] | None, int]],
) -> list[Place]:
    """The whole city first: most responses may name no district."""
    everybody = next(one for one in summarise(Subset(wave=wave)) if one.question.key == question.key)
    lines = everybody.lines
    city = Place(
        name=_("The whole city"),
        asked=everybody.base,
        counted=done[EVERYWHERE][1],
        rows=_beside(question, [None if line.is_hidden else line.share for line in lines], done[EVERYWHERE][0]),
    )
    said = cross_table(Subset(wave=wave), rows=question.key, columns=DISTRICT)
    return [city, *(_place(one, said, *done[one.pk]) for one in districts)]


def _beside(question: QuestionSpec, said: Iterable[float | None], done: Sequence[float] | None) -> list[Beside]:
    return [
        Beside(option=option, said=share, done=found)
        for option, share, found in zip_longest(question.options, said, done or [])
    ]


def _place(district: District, said: CrossTable, done: Sequence[float] | None, counted: int) -> Place:
    column = next((place for place, one in enumerate(said.columns) if one.key == district.pk), None)
    asked = said.columns[column].base if column is not None else 0
    shown = [
        None if column is None or not asked or said.hidden[row, column] else float(said.shares[row, column])
        for row in range(len(said.question.options))
    ]
    return Place(name=district.name, asked=asked, counted=counted, rows=_beside(said.question, shown, done))
