"""Surveys, waves and imports of the cities whose staff a person is; all others are not there."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from parking_share.spaces.selectors import districts_overseen_by, is_operator
from parking_share.web.access import PersonalRequest
from surveys.models import Questionnaire, ResponseImport, Wave
from surveys.selectors import imports_of, questionnaires_of, waves_of


def cities_of(request: PersonalRequest) -> list[str]:
    """The cities in which a person may make surveys; who has none does not get the page."""
    cities = sorted(set(districts_overseen_by(request.user).order_by().values_list("city", flat=True)))
    if not cities and not is_operator(request.user):
        raise Http404
    return cities


def own_survey(request: PersonalRequest, questionnaire_id: int) -> Questionnaire:
    return get_object_or_404(questionnaires_of(request.user), pk=questionnaire_id)


def own_wave(request: PersonalRequest, wave_id: int) -> Wave:
    return get_object_or_404(waves_of(request.user), pk=wave_id)


def own_import(request: PersonalRequest, import_id: int) -> ResponseImport:
    return get_object_or_404(imports_of(request.user).defer("content"), pk=import_id)
