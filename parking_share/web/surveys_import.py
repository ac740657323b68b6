"""Bringing a table in: upload, say which column is what, look at what would happen, take it in, watch."""

from collections.abc import Mapping

from django import forms
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.web.access import PersonalRequest, signed_in, wants_fragment
from parking_share.web.survey_scope import own_import, own_wave
from parking_share.web.surveys_downloads import problems_table
from surveys import imports
from surveys.columns import targets_of
from surveys.models import ResponseImport

PROBLEMS_SHOWN, IMPORTS_SHOWN = 20, 20
State = ResponseImport.State


class TableForm(forms.Form):
    table = forms.FileField(
        label=_("Table"),
        max_length=200,
        help_text=_("CSV (UTF-8 or GB 18030) or XLSX, at most 20 MB; its first row names the columns."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def upload(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """The tables that came in so far, and the form for another."""
    wave = own_wave(request, wave_id)
    form = TableForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        table = form.cleaned_data["table"]
        try:
            made = imports.upload(
                wave=wave,
                file_name=table.name,
                content=table.read(),
                uploaded_by=request.user,
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error("table", refusal.sentence)
        else:
            return redirect("web:city_import", made.pk)
    context = {
        "wave": wave,
        "survey": wave.questionnaire,
        "definition": wave.version.definition,
        "here": "import",
        "form": form,
        "imports": wave.imports.defer("content").order_by("-pk")[:IMPORTS_SHOWN],
    }
    return render(request, "surveys/upload.html", context)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def detail(request: PersonalRequest, import_id: int) -> HttpResponse:
    """One table: its columns, its check, its progress; a fragment of it while it is worked on."""
    job = own_import(request, import_id)
    refusal = ""
    if request.method == "POST":
        try:
            imports.start_check(response_import=job, mapping=_mapping(request, job))
        except DomainError as refused:
            refusal = refused.sentence
        else:
            return redirect("web:city_import", job.pk)
    if wants_fragment(request):
        return render(request, "surveys/_import_state.html", _state(job))
    mapping = _mapping(request, job) if request.method == "POST" else job.mapping
    context = _state(job) | {
        "survey": job.wave.questionnaire,
        "definition": job.wave.version.definition,
        "wave": job.wave,
        "here": "import",
        "targets": targets_of(job.wave.version.definition),
        "columns": [
            {"name": name, "chosen": mapping.get(name, ""), "field": f"column-{n}"} for n, name in enumerate(job.header)
        ],
        "may_map": job.state in {State.UPLOADED, State.CHECKED},
        "refusal": refusal,
    }
    return render(request, "surveys/import.html", context, status=400 if refusal else 200)


@require_POST
@signed_in
def start(request: PersonalRequest, import_id: int) -> HttpResponse:
    """Take in what was checked."""
    job = own_import(request, import_id)
    try:
        imports.start_import(response_import=job)
    except DomainError as refusal:
        return render(request, "surveys/refused.html", {"sentence": refusal.sentence, "job": job}, status=409)
    return redirect("web:city_import", job.pk)


@require_http_methods(["GET", "HEAD"])
@signed_in
def problems(request: PersonalRequest, import_id: int) -> HttpResponseBase:
    """All rows that were left out, as a table."""
    job = own_import(request, import_id)
    return problems_table(job.problems.order_by("row_number", "pk").iterator(), f"problems-{job.pk}")


def _state(job: ResponseImport) -> dict[str, object]:
    return {
        "job": job,
        "problems": list(job.problems.order_by("row_number", "pk")[:PROBLEMS_SHOWN]),
        "progress": min(100 * job.rows_done // job.rows, 100) if job.rows else None,
    }


def _mapping(request: PersonalRequest, job: ResponseImport) -> Mapping[str, str]:
    """What was chosen for each column; columns are numbered, because their names may be anything."""
    return {name: request.POST.get(f"column-{number}", "") for number, name in enumerate(job.header)}
