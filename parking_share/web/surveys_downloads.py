"""Taking a survey home: responses, tables and charts as CSV, XLSX, SVG; the whole report as PDF."""

from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from urllib.parse import quote

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.context import site_words
from parking_share.web.printing import PrintingRefused, as_pdf
from parking_share.web.survey_choices import weighting_asked_for
from parking_share.web.survey_scope import own_wave
from parking_share.web.surveys_platform import beside_rows
from parking_share.web.surveys_results import compared_asked_for, cross_asked_for
from surveys.exports import Cell, as_csv, comparison_rows, cross_rows, response_rows, summary_rows, write_xlsx
from surveys.models import ImportProblem, Wave
from surveys.summaries import QuestionSummary, Subset, funnels, reasons_of_invalidity, summarise

PIECE = 1 << 16
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "HEAD"])
@signed_in
def responses_csv(request: PersonalRequest, wave_id: int) -> HttpResponseBase:
    """Every response of a wave, in a form that an import reads again."""
    wave = own_wave(request, wave_id)
    return _csv(response_rows(wave), _name(wave))


@require_http_methods(["GET", "HEAD"])
@signed_in
def responses_xlsx(request: PersonalRequest, wave_id: int) -> HttpResponseBase:
    """The same as a workbook."""
    wave = own_wave(request, wave_id)
    return StreamingHttpResponse(_book(wave), content_type=XLSX, headers=_attached(f"{_name(wave)}.xlsx"))


@require_http_methods(["GET", "HEAD"])
@signed_in
def question_table(request: PersonalRequest, wave_id: int, key: str) -> HttpResponseBase:
    wave = own_wave(request, wave_id)
    return _csv(summary_rows(_summary(request, wave, key)), f"{_name(wave)}-{key}")


@require_http_methods(["GET", "HEAD"])
@signed_in
def question_chart(request: PersonalRequest, wave_id: int, key: str) -> HttpResponseBase:
    """One question's bars as a picture that stands alone."""
    wave = own_wave(request, wave_id)
    summary = _summary(request, wave, key)
    chart = render_to_string("surveys/chart.svg", {"summary": summary, "wave": wave, **_places(summary)})
    return HttpResponse(chart, content_type="image/svg+xml", headers=_attached(f"{_name(wave)}-{key}.svg"))


@require_http_methods(["GET", "HEAD"])
@signed_in
def cross(request: PersonalRequest, wave_id: int) -> HttpResponseBase:
    wave = own_wave(request, wave_id)
    table = cross_asked_for(request, wave)
    if table is None:
        raise Http404
    return _csv(cross_rows(table), f"{_name(wave)}-{table.question.key}")


@require_http_methods(["GET", "HEAD"])
@signed_in
def comparison(request: PersonalRequest, wave_id: int) -> HttpResponseBase:
    wave = own_wave(request, wave_id)
    compared = compared_asked_for(request, wave)
    if not compared:
        raise Http404
    return _csv(comparison_rows(compared), f"{_name(wave)}-compared")


@require_http_methods(["GET", "HEAD"])
@signed_in
def platform(request: PersonalRequest, wave_id: int) -> HttpResponseBase:
    wave = own_wave(request, wave_id)
    return _csv(list(beside_rows(wave, now=clock.now())), f"{_name(wave)}-platform")


@require_http_methods(["GET", "HEAD"])
@signed_in
def report(request: PersonalRequest, wave_id: int) -> HttpResponseBase:
    """The summary as a document. Where this machine can't print, the page says what it lacks."""
    wave = own_wave(request, wave_id)
    context = site_words() | {
        "wave": wave,
        "survey": wave.questionnaire,
        "definition": wave.version.definition,
        "funnel": funnels([wave])[wave.pk],
        "reasons": reasons_of_invalidity(wave),
        "summaries": _summaries(request, wave),
        "weighting": weighting_asked_for(wave, request.GET),
        "now": clock.now(),
    }
    try:
        document = as_pdf(render_to_string("surveys/report.html", context))
    except PrintingRefused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("web:city_wave", wave.pk)
    headers = _attached(f"{_name(wave)}.pdf")
    return HttpResponse(document, content_type="application/pdf", headers=headers)


def problems_table(problems: Iterable[ImportProblem], name: str) -> HttpResponseBase:
    rows: Iterator[list[Cell]] = ([one.row_number, one.column, one.sentence] for one in problems)
    return _csv(rows, name)


def _summary(request: PersonalRequest, wave: Wave, key: str) -> QuestionSummary:
    found = next((one for one in _summaries(request, wave) if one.question.key == key), None)
    if found is None:
        raise Http404
    return found


def _name(wave: Wave) -> str:
    return f"{wave.questionnaire.slug}-{wave.pk}"


def _summaries(request: PersonalRequest, wave: Wave) -> list[QuestionSummary]:
    return summarise(Subset(wave=wave, weighting=weighting_asked_for(wave, request.GET)))


def _csv(rows: Iterable[list[Cell]], name: str) -> HttpResponseBase:
    def encoded() -> Iterator[bytes]:
        for text in as_csv(rows):
            yield text.encode()

    return StreamingHttpResponse(encoded(), content_type="text/csv; charset=utf-8", headers=_attached(f"{name}.csv"))


def _book(wave: Wave) -> Iterator[bytes]:
    """A workbook in pieces, from a file that lives as long as the download."""
    with TemporaryFile() as book:
        write_xlsx(response_rows(wave), book, sheet="responses")
        book.seek(0)
        while piece := book.read(PIECE):
            yield piece


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}


def _places(summary: QuestionSummary) -> dict[str, object]:
    """Where the bars of a chart stand, top down."""
    step, top = 56, 64
    bars = [
        {"line": line, "y": top + place * step, "length": line.share * 560} for place, line in enumerate(summary.lines)
    ]
    return {"bars": bars, "height": top + len(bars) * step + 36}
