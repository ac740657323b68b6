"""The surveys of a city: all of them, one of them, its link and its waves."""

import io

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.survey_forms import CloseForm, NewSurveyForm, WaveForm
from parking_share.web.survey_scope import cities_of, own_survey, own_wave
from surveys import services
from surveys.faults import faults_of
from surveys.models import Questionnaire, Wave
from surveys.selectors import questionnaires_of, waves_of
from surveys.summaries import funnel_of_all, funnels

MOST_WAVES = 200


@require_http_methods(["GET", "HEAD"])
@signed_in
def survey_list(request: PersonalRequest) -> HttpResponse:
    """All surveys with their waves, from the forms handed out to the valid responses."""
    cities_of(request)
    waves = list(waves_of(request.user).order_by("-opened_at", "-pk")[:MOST_WAVES])
    counted = funnels(waves)
    by_survey: dict[int, list[dict[str, object]]] = {}
    for wave in waves:
        by_survey.setdefault(wave.questionnaire_id, []).append({"wave": wave, "funnel": counted[wave.pk]})
    surveys = list(questionnaires_of(request.user))
    context = {
        "surveys": [{"survey": survey, "waves": by_survey.get(survey.pk, [])} for survey in surveys],
        "together": [
            (is_synthetic, funnel_of_all((wave, counted[wave.pk]) for wave in some))
            for is_synthetic in (False, True)
            if len(some := [wave for wave in waves if wave.is_synthetic == is_synthetic]) > 1
        ],
    }
    return render(request, "surveys/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def survey_new(request: PersonalRequest) -> HttpResponse:
    form = NewSurveyForm(request.POST or None, cities=cities_of(request))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        draft = services.empty_draft(title={"zh-hans": given["title_zh"], "en": given["title_en"]})
        try:
            made = services.create_questionnaire(city=given["city"], slug=given["slug"], draft=draft, now=clock.now())
        except DomainError as refusal:
            form.add_error("slug", refusal.sentence)
        else:
            return redirect("web:city_survey_edit", made.pk)
    return render(request, "surveys/new.html", {"form": form})


@require_http_methods(["GET", "HEAD"])
@signed_in
def survey_detail(request: PersonalRequest, questionnaire_id: int) -> HttpResponse:
    """One survey: what stands against publishing, its link, its versions and its waves."""
    return _detail(request, own_survey(request, questionnaire_id), WaveForm())


@require_POST
@signed_in
def publish(request: PersonalRequest, questionnaire_id: int) -> HttpResponse:
    survey = own_survey(request, questionnaire_id)
    try:
        version = services.publish(questionnaire=survey, published_by=request.user, now=clock.now())
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("Version %(n)s is published. It never changes.") % {"n": version.number})
    return redirect("web:city_survey", survey.pk)


@require_POST
@signed_in
def wave_open(request: PersonalRequest, questionnaire_id: int) -> HttpResponse:
    survey = own_survey(request, questionnaire_id)
    form = WaveForm(request.POST)
    if form.is_valid():
        try:
            services.open_wave(questionnaire=survey, opened_by=request.user, now=clock.now(), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("The wave is open: people can answer now."))
            return redirect("web:city_survey", survey.pk)
    return _detail(request, survey, form, status=400)


@require_POST
@signed_in
def wave_close(request: PersonalRequest, wave_id: int) -> HttpResponse:
    wave, form = own_wave(request, wave_id), CloseForm(request.POST)
    handed_out = form.cleaned_data["handed_out"] if form.is_valid() else None
    try:
        services.close_wave(wave=wave, now=clock.now(), handed_out=handed_out)
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("The wave is closed. Devices and ways back are forgotten."))
    return redirect("web:city_survey", wave.questionnaire_id)


@require_http_methods(["GET", "HEAD"])
@signed_in
def qr_code(request: PersonalRequest, questionnaire_id: int) -> HttpResponse:
    """The public link as a picture, to print on a poster."""
    survey = own_survey(request, questionnaire_id)
    picture = io.BytesIO()
    segno.make(_public_link(request, survey), error="m").save(picture, kind="svg", scale=8, border=4, dark="#000")
    name = f'inline; filename="{survey.slug}.svg"'
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml", headers={"Content-Disposition": name})


def _detail(request: PersonalRequest, survey: Questionnaire, form: WaveForm, *, status: int = 200) -> HttpResponse:
    versions = list(survey.versions.select_related("published_by").order_by("-number"))
    waves: list[Wave] = list(survey.waves.select_related("version").order_by("-opened_at", "-pk")[:MOST_WAVES])
    counted = funnels(waves)
    context = {
        "survey": survey,
        "draft": survey.draft_definition,
        "faults": faults_of(survey.draft_definition),
        "has_changed": not versions or versions[0].data != survey.draft,
        "versions": versions,
        "waves": [{"wave": wave, "funnel": counted[wave.pk]} for wave in waves],
        "open_wave": next((wave for wave in waves if wave.is_open), None),
        "link": _public_link(request, survey),
        "form": form,
    }
    return render(request, "surveys/detail.html", context, status=status)


def _public_link(request: PersonalRequest, survey: Questionnaire) -> str:
    return request.build_absolute_uri(reverse("web:survey", args=[survey.slug]))
