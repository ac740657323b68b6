"""Typing paper forms: every question on one page, answers by number, the next form at once; twice where asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.spaces.models import District
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.survey_fields import Field, typed_answers, typed_fields
from parking_share.web.survey_scope import own_wave
from surveys import form_entry
from surveys.answering import PageRefused
from surveys.answers import as_words
from surveys.models import Wave
from surveys.services import SurveyRefused
from surveys.summaries import funnels

LONGEST_NUMBER, SHOWN = 20, 50


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def enter(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """One form; after it the next, with the focus on its number."""
    wave = own_wave(request, wave_id)
    questions = wave.version.definition.questions
    faults: Mapping[str, str] = {}
    refusal = ""
    if request.method == "POST":
        try:
            return _entered(request, wave)
        except PageRefused as refused:
            faults = refused.faults
        except SurveyRefused as refused:
            refusal = refused.sentence
    fields = typed_fields(questions, request.POST, faults)
    return _show(request, wave, fields, refusal=refusal, status=400 if faults or refusal else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def settle(request: PersonalRequest, wave_id: int, form_number: str) -> HttpResponse:
    """Where two entries of a form differ, and what it really says."""
    wave = own_wave(request, wave_id)
    if form_number not in form_entry.forms_to_settle(wave):
        raise Http404
    differences = form_entry.differences_of(wave, form_number)
    faults: Mapping[str, str] = {}
    refusal = ""
    if request.method == "POST":
        try:
            form_entry.settle_form(
                wave=wave,
                form_number=form_number,
                typed=typed_answers([one.question for one in differences], request.POST),
                district_id=_district(request, wave),
                entered_by=request.user,
                now=clock.now(),
            )
        except PageRefused as refused:
            faults = refused.faults
        except DomainError as refused:
            refusal = refused.sentence
        else:
            messages.success(request, _("Form %(number)s is settled.") % {"number": form_number})
            return redirect("web:city_wave_enter", wave.pk)
    rows = [
        {
            "field": field,
            "first": as_words(one.question, one.first),
            "second": as_words(one.question, one.second),
        }
        for one, field in zip(
            differences, typed_fields([one.question for one in differences], request.POST, faults), strict=True
        )
    ]
    context = _frame(wave) | {"form_number": form_number, "rows": rows, "refusal": refusal}
    return render(request, "surveys/settle.html", context, status=400 if faults or refusal else 200)


def _entered(request: PersonalRequest, wave: Wave) -> HttpResponse:
    number = request.POST.get("form_number", "").replace("\x00", "").strip()
    if not number or len(number) > LONGEST_NUMBER:
        raise SurveyRefused(_("Write the number of the form, at most %(n)s characters.") % {"n": LONGEST_NUMBER})
    entered = form_entry.enter_form(
        wave=wave,
        form_number=number,
        typed=typed_answers(wave.version.definition.questions, request.POST),
        district_id=_district(request, wave),
        entered_by=request.user,
        now=clock.now(),
    )
    if entered.turn == 2 and not entered.is_stored:
        messages.warning(request, _("The two entries of form %(number)s differ.") % {"number": number})
        return redirect("web:city_wave_settle", wave.pk, number)
    if entered.is_stored:
        messages.success(request, _("Form %(number)s is kept.") % {"number": number})
    else:
        messages.success(request, _("Form %(number)s waits for its second entry.") % {"number": number})
    return redirect("web:city_wave_enter", wave.pk)


def _show(request: PersonalRequest, wave: Wave, fields: Sequence[Field], *, refusal: str, status: int) -> HttpResponse:
    context = _frame(wave) | {
        "fields": fields,
        "faults": [field for field in fields if field.fault],
        "refusal": refusal,
        "form_number": request.POST.get("form_number", "")[:LONGEST_NUMBER],
        "waiting": form_entry.forms_entered_once(wave)[:SHOWN],
        "to_settle": form_entry.forms_to_settle(wave)[:SHOWN],
        "funnel": funnels([wave])[wave.pk],
    }
    return render(request, "surveys/enter.html", context, status=status)


def _frame(wave: Wave) -> dict[str, Any]:
    definition = wave.version.definition
    return {
        "wave": wave,
        "survey": wave.questionnaire,
        "definition": definition,
        "here": "enter",
        "districts": _districts(wave) if definition.district_question else [],
    }


def _districts(wave: Wave) -> list[District]:
    return list(District.objects.filter(city=wave.questionnaire.city).order_by("name"))


def _district(request: PersonalRequest, wave: Wave) -> int | None:
    chosen = request.POST.get("district", "")
    return next((one.pk for one in _districts(wave) if str(one.pk) == chosen), None)
