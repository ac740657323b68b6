"""The public pages of a survey: no account, no script, a few questions a page; a cookie finds the way back."""

import secrets
from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.spaces.models import District
from parking_share.web.survey_fields import Field, fields_of, typed_answers, typed_fields
from parking_share.web.survey_limits import Pages, Starts, too_many
from surveys import answering
from surveys.answering import PageRefused
from surveys.answers import Answers
from surveys.definition import Definition, QuestionSpec
from surveys.models import Questionnaire, Response, Wave
from surveys.services import SurveyRefused

DEVICE = "survey_device"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """What the survey is about and what one agrees to; then the first page, or on from where one was."""
    wave = answering.open_wave_of(slug)
    if wave is None:
        return _closed(request, slug)
    draft = _draft(request, wave)
    fault = ""
    if request.method == "POST":
        if refused := too_many(request, Starts):
            return refused
        if request.POST.get("consent") == "yes":
            return _start(request, wave)
        fault = _("Please agree first, or leave the page.")
    definition = wave.version.definition
    context = {
        "wave": wave,
        "definition": definition,
        "draft_page": answering.first_open_page(definition, answering.answers_so_far(draft)) if draft else None,
        "districts": _districts(wave) if definition.district_question else [],
        "fault": fault,
    }
    return render(request, "surveys/begin.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str, page: int) -> HttpResponse:
    """The questions of one page. Each is kept when the page is sent; the last one ends the response."""
    wave = answering.open_wave_of(slug)
    if wave is None:
        return _closed(request, slug)
    draft = _draft(request, wave)
    if draft is None:
        return redirect("web:survey", slug)
    return too_many(request, Pages) or _page(request, wave, draft, page)


@require_http_methods(["GET", "HEAD"])
def thanks(request: HttpRequest, slug: str) -> HttpResponse:
    survey = Questionnaire.objects.filter(slug=slug).first()
    latest = survey.versions.order_by("-number").first() if survey else None
    if latest is None:
        raise Http404
    return render(request, "surveys/thanks.html", {"definition": latest.definition, "slug": slug})


def _page(request: HttpRequest, wave: Wave, draft: Response, page: int) -> HttpResponse:
    definition, answers = wave.version.definition, answering.answers_so_far(draft)
    questions = answering.questions_of_page(definition, answers, page)
    if not questions:
        return redirect("web:survey_page", wave.questionnaire.slug, answering.first_open_page(definition, answers))
    if request.method == "POST":
        return _save(request, wave, draft, page, questions)
    return _show(request, wave, answers, fields_of(questions, answers), page=page)


def _save(request: HttpRequest, wave: Wave, draft: Response, page: int, questions: list[QuestionSpec]) -> HttpResponse:
    """Keep the page and go on; or back, even where something is missing."""
    slug, goes_back = wave.questionnaire.slug, request.POST.get("go") == "back"
    try:
        answers = answering.save_page(response=draft, page=page, typed=typed_answers(questions, request.POST))
    except PageRefused as refusal:
        answers = answering.answers_so_far(draft)
        if not goes_back:
            fields = typed_fields(questions, request.POST, refusal.faults)
            return _show(request, wave, answers, fields, page=page)
    except SurveyRefused:  # sent in another window meanwhile
        return redirect("web:survey", slug)
    if goes_back:
        return _back(slug, wave.version.definition, answers, page)
    return _on(slug, draft, answers, page)


def _start(request: HttpRequest, wave: Wave) -> HttpResponse:
    chosen = request.POST.get("district", "")
    district = next((one.pk for one in _districts(wave) if str(one.pk) == chosen), None)
    tells_devices_apart = wave.version.definition.validity.refuses_repeated_devices
    device = request.COOKIES.get(DEVICE) or secrets.token_urlsafe(16) if tells_devices_apart else ""
    begun = answering.start_response(
        wave=wave,
        language=get_language() or "",
        device=device[:64],
        district_id=district if wave.version.definition.district_question else None,
        now=clock.now(),
    )
    slug = wave.questionnaire.slug
    response = redirect("web:survey_page", slug, 1)
    _remember(response, _way_back(slug), begun.token)
    if device:
        _remember(response, DEVICE, device[:64])
    return response


def _on(slug: str, draft: Response, answers: Answers, page: int) -> HttpResponse:
    following = answering.next_page(draft.wave.version.definition, answers, page)
    if following is not None:
        return redirect("web:survey_page", slug, following)
    still_open = answering.first_open_page(draft.wave.version.definition, answers)
    if still_open < page:
        return redirect("web:survey_page", slug, still_open)
    answering.submit_response(response=draft, now=clock.now())
    response = redirect("web:survey_thanks", slug)
    response.delete_cookie(_way_back(slug), path="/s/")
    return response


def _back(slug: str, definition: Definition, answers: Answers, page: int) -> HttpResponse:
    earlier = answering.previous_page(definition, answers, page)
    return redirect("web:survey_page", slug, earlier) if earlier else redirect("web:survey", slug)


def _show(request: HttpRequest, wave: Wave, answers: Answers, fields: list[Field], *, page: int) -> HttpResponse:
    definition = wave.version.definition
    context = {
        "wave": wave,
        "definition": definition,
        "fields": fields,
        "faults": [field for field in fields if field.fault],
        "page": page,
        "pages": len(definition.page_titles),
        "page_title": definition.page_titles[page - 1],
        "is_last": answering.next_page(definition, answers, page) is None,
    }
    return render(request, "surveys/page.html", context)


def _closed(request: HttpRequest, slug: str) -> HttpResponse:
    """A survey that is over, or not begun; a name that nobody gave is not there."""
    survey = Questionnaire.objects.filter(slug=slug, versions__isnull=False).first()
    if survey is None:
        raise Http404
    return render(request, "surveys/closed.html", {"survey": survey}, status=HTTPStatus.GONE)


def _draft(request: HttpRequest, wave: Wave) -> Response | None:
    return answering.draft_of(wave=wave, token=request.COOKIES.get(_way_back(wave.questionnaire.slug), ""))


def _districts(wave: Wave) -> list[District]:
    return list(District.objects.filter(city=wave.questionnaire.city).order_by("name"))


def _way_back(slug: str) -> str:
    return f"survey_{slug}"


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=answering.DRAFTS_KEPT,
        path="/s/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
