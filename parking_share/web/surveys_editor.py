"""Editing the draft of a questionnaire, without code and without scripts; and seeing it as people will."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.survey_fields import fields_of
from parking_share.web.survey_forms import QuestionForm, SettingsForm
from parking_share.web.survey_scope import own_survey
from surveys import drafting, services
from surveys.definition import LANGUAGES
from surveys.faults import faults_of
from surveys.models import Questionnaire
from surveys.services import SurveyRefused

NEW, LONGEST_TITLE = "new", 120


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit(request: PersonalRequest, questionnaire_id: int) -> HttpResponse:
    """The draft as a whole: its texts, its rules, its pages with their questions."""
    survey = own_survey(request, questionnaire_id)
    form = SettingsForm(request.POST or None, initial=SettingsForm.initial_of(survey.draft))
    if request.method == "POST" and form.is_valid():
        try:
            _save(request, survey, drafting.with_settings(survey.draft, form.settings()))
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("The draft is saved."))
            return redirect("web:city_survey_edit", survey.pk)
    definition = survey.draft_definition
    context = {
        "survey": survey,
        "definition": definition,
        "pages": list(zip(definition.page_titles, definition.pages, strict=True)),
        "faults": faults_of(definition),
        "form": form,
    }
    return render(request, "surveys/edit.html", context)


@require_POST
@signed_in
def arrange(request: PersonalRequest, questionnaire_id: int) -> HttpResponse:
    """Move or remove a question, add, name or remove a page: one button each."""
    survey = own_survey(request, questionnaire_id)
    try:
        _save(request, survey, _arranged(request, survey.draft))
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    return redirect("web:city_survey_edit", survey.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def question(request: PersonalRequest, questionnaire_id: int, key: str) -> HttpResponse:
    """One question; `new` is one that does not exist yet, on the page that the address names."""
    survey = own_survey(request, questionnaire_id)
    raw = None if key == NEW else drafting.question_of(survey.draft, key)
    if raw is None and key != NEW:
        raise Http404
    form = QuestionForm(request.POST or None, initial=QuestionForm.initial_of(raw or {}))
    if request.method == "POST" and form.is_valid():
        try:
            _save(request, survey, _with(request, survey.draft, form.raw(), instead_of=key if raw else None))
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("The question is saved."))
            return redirect("web:city_survey_edit", survey.pk)
    context = {"survey": survey, "form": form, "is_new": raw is None, "page": _page_number(request, survey)}
    return render(request, "surveys/question.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def preview(request: PersonalRequest, questionnaire_id: int) -> HttpResponse:
    """The draft as people will see it; what is ticked is kept nowhere."""
    survey = own_survey(request, questionnaire_id)
    definition = survey.draft_definition
    pages = [
        {"title": title, "fields": fields_of(questions, {})}
        for title, questions in zip(definition.page_titles, definition.pages, strict=True)
    ]
    return render(request, "surveys/preview.html", {"survey": survey, "definition": definition, "pages": pages})


def _save(request: PersonalRequest, survey: Questionnaire, draft: dict[str, Any]) -> None:
    """Save what was changed on the page that was seen; not over a later change of somebody else."""
    seen_at = parse_datetime(request.POST.get("seen_at", "").replace(" ", "+"))
    if seen_at is None or seen_at.tzinfo is None:
        raise SurveyRefused(_("Load the page again, then change it."))
    services.save_draft(questionnaire=survey, draft=draft, seen_at=seen_at, now=clock.now())


def _with(
    request: PersonalRequest, draft: dict[str, Any], raw: dict[str, Any], *, instead_of: str | None
) -> dict[str, Any]:
    if raw["key"] != instead_of and drafting.question_of(draft, raw["key"]) is not None:
        raise SurveyRefused(_("Another question has this name."))
    earlier = drafting.question_of(draft, instead_of) if instead_of else None
    if earlier and earlier.get("reconstructed"):
        raw = raw | {"reconstructed": True}
    page = min(max(_number(request.POST.get("page", "")), 1), len(draft["pages"]))
    return drafting.with_question(draft, raw, page=page, instead_of=instead_of)


def _arranged(request: PersonalRequest, draft: dict[str, Any]) -> dict[str, Any]:
    sent = request.POST
    key, page = sent.get("key", ""), _number(sent.get("page", ""))
    if sent.get("do") == "add_page":
        return drafting.with_page(draft)
    if sent.get("do") in {"remove_page", "name_page"}:
        if not 1 <= page <= len(draft["pages"]):
            raise SurveyRefused(_("This page is not there any more."))
        if sent["do"] == "remove_page":
            return drafting.without_page(draft, page)
        titles = [sent.get(name, "").replace("\x00", "")[:LONGEST_TITLE] for name in ("title_zh", "title_en")]
        return drafting.with_page_title(draft, page, dict(zip(LANGUAGES, titles, strict=True)))
    if drafting.question_of(draft, key) is None:
        raise SurveyRefused(_("This question is not there any more."))
    if sent.get("do") == "remove":
        return drafting.without_question(draft, key)
    return drafting.with_question_moved(draft, key, down=sent.get("do") == "down")


def _page_number(request: PersonalRequest, survey: Questionnaire) -> int:
    """The page that a new question goes to: named in the address, else the last."""
    last = len(survey.draft["pages"])
    return min(_number(request.GET.get("page", "") or request.POST.get("page", "")) or last, last)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
