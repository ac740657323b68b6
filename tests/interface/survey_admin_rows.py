"""One row of every model of surveys that the admin shows."""

from collections.abc import Callable

from surveys import imports, models
from surveys.form_entry import enter_form
from surveys.weighting import make_weighting
from tests.factories import NOW, make_user
from tests.survey_rows import make_questionnaire, make_responses, make_wave

READ_ONLY = (
    models.FormEntry,
    models.ImportMapping,
    models.ImportProblem,
    models.Question,
    models.Questionnaire,
    models.QuestionnaireVersion,
    models.Response,
    models.ResponseImport,
    models.Wave,
    models.Weighting,
)


def an_entry(number: int) -> models.FormEntry:
    wave = make_wave()
    enter_form(wave=wave, form_number=str(number), typed={}, district_id=None, entered_by=make_user(), now=NOW)
    return wave.form_entries.get()


def an_import(_number: int) -> models.ResponseImport:
    """A table that was checked, with one row that is refused."""
    job = imports.upload(
        wave=make_wave(), file_name="forms.csv", content=b"bay\ncastle\n", uploaded_by=make_user(), now=NOW
    )
    imports.start_check(response_import=job, mapping=job.mapping)
    imports.work_on(import_id=job.pk, now=NOW)
    return job


def a_mapping(number: int) -> models.ImportMapping:
    return an_import(number).wave.questionnaire.mappings.get()


def a_weighting(_number: int) -> models.Weighting:
    wave = make_wave()
    make_responses(wave, {}, {})
    margins = {"bay": {"owned": 100.0, "rented": 0.0, "none": 0.0}}
    return make_weighting(wave=wave, name="census", margins=margins, made_by=make_user(), now=NOW)


MAKERS: dict[type, Callable[[int], object]] = {
    models.FormEntry: an_entry,
    models.ImportMapping: a_mapping,
    models.ImportProblem: lambda number: an_import(number).problems.get(),
    models.Question: lambda _number: make_wave().version.questions.latest("pk"),
    models.Questionnaire: lambda _number: make_questionnaire(),
    models.QuestionnaireVersion: lambda _number: make_wave().version,
    models.Response: lambda _number: make_responses(make_wave(), {})[0],
    models.ResponseImport: an_import,
    models.Wave: lambda _number: make_wave(),
    models.Weighting: a_weighting,
}
