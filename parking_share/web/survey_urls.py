"""Addresses of surveys: the public ones are short, those of the city's staff lie under the city."""

from django.urls import path

from parking_share.web import (
    surveys_answering,
    surveys_downloads,
    surveys_editor,
    surveys_entry,
    surveys_import,
    surveys_platform,
    surveys_results,
    surveys_staff,
    surveys_weighting,
)

WAVE = "city/surveys/waves/<int:wave_id>"
ONE = "city/surveys/<int:questionnaire_id>"

urlpatterns = [
    path("s/<slug:slug>", surveys_answering.begin, name="survey"),
    path("s/<slug:slug>/<int:page>", surveys_answering.page, name="survey_page"),
    path("s/<slug:slug>/thanks", surveys_answering.thanks, name="survey_thanks"),
    path("city/surveys", surveys_staff.survey_list, name="city_surveys"),
    path("city/surveys/new", surveys_staff.survey_new, name="city_survey_new"),
    path(ONE, surveys_staff.survey_detail, name="city_survey"),
    path(f"{ONE}/publish", surveys_staff.publish, name="city_survey_publish"),
    path(f"{ONE}/waves", surveys_staff.wave_open, name="city_wave_open"),
    path(f"{ONE}/link.svg", surveys_staff.qr_code, name="city_survey_qr"),
    path(f"{ONE}/edit", surveys_editor.edit, name="city_survey_edit"),
    path(f"{ONE}/arrange", surveys_editor.arrange, name="city_survey_arrange"),
    path(f"{ONE}/preview", surveys_editor.preview, name="city_survey_preview"),
    path(f"{ONE}/questions/<slug:key>", surveys_editor.question, name="city_survey_question"),
    path(WAVE, surveys_results.wave_summary, name="city_wave"),
    path(f"{WAVE}/close", surveys_staff.wave_close, name="city_wave_close"),
    path(f"{WAVE}/cross", surveys_results.cross, name="city_wave_cross"),
    path(f"{WAVE}/cross.csv", surveys_downloads.cross, name="city_wave_cross_table"),
    path(f"{WAVE}/compare", surveys_results.comparison, name="city_wave_compare"),
    path(f"{WAVE}/compare.csv", surveys_downloads.comparison, name="city_wave_compare_table"),
    path(f"{WAVE}/platform.csv", surveys_downloads.platform, name="city_wave_platform_table"),
    path(f"{WAVE}/texts", surveys_results.texts, name="city_wave_texts"),
    path(f"{WAVE}/weights", surveys_weighting.weigh, name="city_wave_weigh"),
    path(f"{WAVE}/platform", surveys_platform.beside_platform, name="city_wave_platform"),
    path(f"{WAVE}/enter", surveys_entry.enter, name="city_wave_enter"),
    path(f"{WAVE}/enter/<str:form_number>", surveys_entry.settle, name="city_wave_settle"),
    path(f"{WAVE}/import", surveys_import.upload, name="city_wave_import"),
    path(f"{WAVE}/report.pdf", surveys_downloads.report, name="city_wave_report"),
    path(f"{WAVE}/responses.csv", surveys_downloads.responses_csv, name="city_wave_csv"),
    path(f"{WAVE}/responses.xlsx", surveys_downloads.responses_xlsx, name="city_wave_xlsx"),
    path(f"{WAVE}/questions/<slug:key>/table.csv", surveys_downloads.question_table, name="city_wave_table"),
    path(f"{WAVE}/questions/<slug:key>/chart.svg", surveys_downloads.question_chart, name="city_wave_chart"),
    path("city/surveys/imports/<int:import_id>", surveys_import.detail, name="city_import"),
    path("city/surveys/imports/<int:import_id>/start", surveys_import.start, name="city_import_start"),
    path("city/surveys/imports/<int:import_id>/problems.csv", surveys_import.problems, name="city_import_problems"),
]
