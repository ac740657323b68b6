"""What people said: the summary of a wave, cross-tables, comparisons, free texts."""

from collections.abc import Sequence
from itertools import zip_longest

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.survey_choices import (
    groups_of,
    question_asked_for,
    subset_asked_for,
    weighting_asked_for,
)
from parking_share.web.survey_scope import own_wave
from parking_share.web.words import typed_words
from surveys.comparisons import Comparison, compare
from surveys.crosstabs import DISTRICT, SOURCE, CrossTable, cross_table
from surveys.definition import Kind
from surveys.engine.suppression import FEWEST_SHOWN
from surveys.models import Answer, Standing, Wave
from surveys.storing import question_ids
from surveys.summaries import Subset, funnels, reasons_of_invalidity, summarise

TEXTS_A_PAGE = 50


@require_http_methods(["GET", "HEAD"])
@signed_in
def wave_summary(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """The funnel, and every question with its counts, shares and intervals."""
    wave = own_wave(request, wave_id)
    weightings = list(wave.weightings.order_by("pk"))
    weighting = next((one for one in weightings if str(one.pk) == request.GET.get("weighting")), None)
    context = _frame(wave, here="summary") | {
        "funnel": funnels([wave])[wave.pk],
        "reasons": reasons_of_invalidity(wave),
        "summaries": summarise(Subset(wave=wave, weighting=weighting)),
        "weightings": weightings,
        "weighting": weighting,
    }
    return render(request, "surveys/wave.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def cross(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """Any question by any other, or by district or source."""
    wave = own_wave(request, wave_id)
    table = cross_asked_for(request, wave)
    questions = [question for question in wave.version.definition.questions if question.is_choice]
    context = _frame(wave, here="cross") | {
        "questions": questions,
        "groups": [(DISTRICT, _("District")), (SOURCE, _("Way in"))],
        "rows": request.GET.get("rows", ""),
        "columns": request.GET.get("columns", questions[1].key if len(questions) > 1 else ""),
        "weightings": list(wave.weightings.order_by("pk")),
        "weighting": weighting_asked_for(wave, request.GET),
        "table": table,
        "lines": _lines(table) if table else [],
    }
    return render(request, "surveys/cross.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def comparison(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """This wave beside another of the same questionnaire, or one group of people beside another."""
    wave = own_wave(request, wave_id)
    waves = _waves_beside(wave)
    other, (first, second) = _other_asked_for(request, wave, waves), _groups_asked_for(request, wave, waves)
    is_asked = "other" in request.GET
    context = _frame(wave, here="compare") | {
        "waves": waves,
        "other": other,
        "groups": groups_of(wave),
        "other_groups": groups_of(other),
        "group": request.GET.get("group", ""),
        "other_group": request.GET.get("other_group", ""),
        "compared": compare(first, second) if is_asked and first != second else [],
        "is_same": is_asked and first == second,
    }
    return render(request, "surveys/compare.html", context)


def compared_asked_for(request: PersonalRequest, wave: Wave) -> list[Comparison]:
    """The comparison that the address names; empty where it names none."""
    first, second = _groups_asked_for(request, wave, _waves_beside(wave))
    return compare(first, second) if "other" in request.GET and first != second else []


@require_http_methods(["GET", "HEAD"])
@signed_in
def texts(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """What people wrote in their own words, newest first, with a search. Fewer than five are not shown."""
    wave = own_wave(request, wave_id)
    words, ids = typed_words(request, "q"), question_ids(wave.version)
    asked = [question for question in wave.version.definition.questions if question.kind == Kind.TEXT]
    written = Answer.objects.filter(
        question__in=[ids[question.key] for question in asked],
        response__wave=wave,
        response__standing=Standing.VALID,
    )
    chosen = request.GET.get("question", "")
    if chosen in ids:
        written = written.filter(question=ids[chosen])
    is_hidden = 0 < written.count() < FEWEST_SHOWN
    found = written.filter(text__icontains=words) if words else written
    names = {ids[question.key]: question.text for question in asked}
    pages = Paginator(
        (found.none() if is_hidden else found)
        .order_by("-response_id", "question_id")
        .values_list("question_id", "text"),
        TEXTS_A_PAGE,
    )
    page = pages.get_page(request.GET.get("page"))
    context = _frame(wave, here="texts") | {
        "questions": asked,
        "question": chosen,
        "q": words,
        "page_obj": page,
        "written": [(names[question], text) for question, text in page],
        "is_hidden": is_hidden,
    }
    return render(request, "surveys/texts.html", context)


def cross_asked_for(request: PersonalRequest, wave: Wave) -> CrossTable | None:
    """The cross-table that the address names, if it names one."""
    definition = wave.version.definition
    rows = question_asked_for(definition, request.GET.get("rows", ""))
    columns = question_asked_for(definition, request.GET.get("columns", ""), extra=(DISTRICT, SOURCE))
    if not rows or not columns or rows == columns:
        return None
    return cross_table(subset_asked_for(wave, request.GET), rows=rows, columns=columns)


def _waves_beside(wave: Wave) -> list[Wave]:
    return list(wave.questionnaire.waves.select_related("version", "questionnaire").order_by("opened_at", "pk"))


def _other_asked_for(request: PersonalRequest, wave: Wave, waves: Sequence[Wave]) -> Wave:
    """The wave that was chosen; before that the one before this, if there is any."""
    before = [one for one in waves if one.opened_at < wave.opened_at]
    return next((one for one in waves if str(one.pk) == request.GET.get("other")), (before or [wave])[-1])


def _groups_asked_for(request: PersonalRequest, wave: Wave, waves: Sequence[Wave]) -> tuple[Subset, Subset]:
    other = _other_asked_for(request, wave, waves)
    return (
        subset_asked_for(wave, request.GET, name="group"),
        subset_asked_for(other, request.GET, name="other_group"),
    )


def _frame(wave: Wave, *, here: str) -> dict[str, object]:
    """What all pages of a wave show."""
    return {"wave": wave, "survey": wave.questionnaire, "definition": wave.version.definition, "here": here}


def _lines(table: CrossTable) -> list[dict[str, object]]:
    """The table's rows as a template walks through them."""
    return [
        {
            "option": option,
            "cells": [
                {"count": int(count), "share": float(share), "is_hidden": bool(hidden)}
                for count, share, hidden in zip_longest(table.counts[place], table.shares[place], table.hidden[place])
            ],
        }
        for place, option in enumerate(table.question.options)
    ]
