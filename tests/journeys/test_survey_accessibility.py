"""The pages of surveys under axe-core, narrow and wide, light and dark; nothing sticks out of the window."""

import pytest
from django.urls import reverse

from parking_share import clock
from parking_share.spaces.models import District, Role
from surveys import imports
from tests.factories import grant, make_user
from tests.journeys.steps import log_in
from tests.journeys.test_accessibility import faults_of
from tests.survey_rows import make_questionnaire, make_responses, make_wave


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 360, "light"), ("zh-hans", 1280, "dark")])
def test_pages_of_surveys_are_accessible(visit, language, width, scheme):
    operator = make_user(language=language)
    grant(operator, Role.OPERATOR)
    District.objects.create(city="深圳", name="福田")
    wave = make_wave(make_questionnaire(slug="homes"), now=clock.now())
    make_responses(wave, *[{}] * 12, *[{"bay": (2,), "remarks": "门口太窄"}] * 8, {"share": None})
    job = imports.upload(wave=wave, file_name="t.csv", content=b"bay\nowned\n", uploaded_by=operator, now=clock.now())
    survey = wave.questionnaire_id
    cross = f"{reverse('web:city_wave_cross', args=[wave.pk])}?rows=share&columns=bay"
    compare = f"{reverse('web:city_wave_compare', args=[wave.pk])}?other={wave.pk}&group=bay:owned"
    pages = [
        "/s/homes",
        reverse("web:city_surveys"),
        reverse("web:city_survey_new"),
        *(reverse(f"web:city_survey{name}", args=[survey]) for name in ("", "_edit", "_preview")),
        reverse("web:city_survey_question", args=[survey, "hours"]),
        *(
            reverse(f"web:city_wave{name}", args=[wave.pk])
            for name in ("", "_texts", "_weigh", "_platform", "_enter", "_import")
        ),
        cross,
        compare,
        reverse("web:city_import", args=[job.pk]),
    ]
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    log_in(visitor, operator.email)

    assert {path: faults_of(visitor, path) for path in pages} == {path: [] for path in pages}
