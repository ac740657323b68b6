"""What people say beside what they do: hours that owners would share and do publish, times drivers want and book."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.spaces.models import District
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.survey_scope import own_wave
from surveys.crosstabs import DISTRICT, CrossTable, cross_table
from surveys.definition import Meaning, Option, QuestionSpec
from surveys.models import Wave
from surveys.platform import booked_times, published_hours
from surveys.selectors import willingness_by_district
from surveys.summaries import Subset

WEEKS = timedelta(days=28)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One option: what share of people said it, and what share of bays or bookings bear it out; None is not shown."""

    option: Option
    said: float | None
    done: float | None


@dataclass(frozen=True, kw_only=True)
class Place:
    """A district: how many people were asked there, and how many bays or bookings were counted."""

    name: str
    asked: int
    counted: int
    rows: list[Beside]


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
        "willing": [(district, willing.get(district.pk)) for district in districts],
    }
    return render(request, "surveys/platform.html", context)


def _shared(wave: Wave, hours: QuestionSpec, districts: list[District], now: datetime) -> list[Place]:
    published = published_hours(districts, hours.options, now=now)
    said = cross_table(Subset(wave=wave), rows=hours.key, columns=DISTRICT)
    return [_place(one, said, published[one.pk].shares, published[one.pk].bays) for one in districts]


def _wanted(wave: Wave, times: QuestionSpec, districts: list[District], now: datetime) -> list[Place]:
    booked = booked_times(districts, times.options, since=now - WEEKS, now=now)
    said = cross_table(Subset(wave=wave), rows=times.key, columns=DISTRICT)
    return [_place(one, said, booked[one.pk].shares, booked[one.pk].reservations) for one in districts]


def _place(district: District, said: CrossTable, done: tuple[float, ...] | None, counted: int) -> Place:
    column = next((place for place, one in enumerate(said.columns) if one.key == district.pk), None)
    asked = said.columns[column].base if column is not None else 0
    shown = [
        None if column is None or not asked or said.hidden[row, column] else float(said.shares[row, column])
        for row in range(len(said.question.options))
    ]
    rows = [
        Beside(option=option, said=share, done=found)
        for option, share, found in zip_longest(said.question.options, shown, done or [])
    ]
    return Place(name=district.name, asked=asked, counted=counted, rows=rows)
