"""The laboratory of city staff: all policies side by side on a past week of a lot, or on an uploaded day."""

import csv
from datetime import date, timedelta

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from allocation import laboratory
from allocation.engine.registry import ALL_POLICIES
from allocation.history import busiest_lots
from allocation.laboratory_drawing import standing_alone
from allocation.laboratory_report import TABLES, day_picture, policy_label, sweep_picture, table_of
from allocation.laboratory_results import Comparison, Wish, comparison_of
from allocation.models import LabRun
from allocation.pictures import policies_by_lot
from allocation.statistics import usage_by_district
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.spaces.models import District, Lot
from parking_share.web.access import PersonalRequest, signed_in, wants_fragment
from parking_share.web.scoped import overseen_districts

RUNS_SHOWN, LOTS_OFFERED, REFUSED_SHOWN = 20, 200, 100
FOUR_WEEKS = timedelta(weeks=4)
MOST_DIGITS = 10
SHOWN_FIRST = "foresight"
PICTURES = ("thresholds", "weights", "day")


class WeekForm(forms.Form):
    lot = forms.ModelChoiceField(label=_("Lot"), queryset=Lot.objects.none())
    week = forms.DateField(
        label=_("Any day of the week"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: object, lots: list[Lot], districts: list[District], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # handed through
        field = self.fields["lot"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Lot.objects.filter(district__in=districts).select_related("district")
        field.choices = [("", "–"), *((lot.pk, f"{lot.name} · {lot.district}") for lot in lots)]


class FileForm(forms.Form):
    district = forms.ModelChoiceField(label=_("District"), queryset=District.objects.none())
    instance = forms.FileField(
        label=_("Instance file"),
        max_length=200,
        help_text=_("JSON as the allocation engine reads it, at most 4 MB. Staff of the district see the result."),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )

    def __init__(self, *args: object, districts: list[District], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # handed through
        field = self.fields["district"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = District.objects.filter(pk__in=[district.pk for district in districts])
        field.initial = districts[0].pk


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def laboratory_page(request: PersonalRequest) -> HttpResponse:
    """The comparisons so far, refusals by district, and the form for a week of a lot."""
    districts, now = overseen_districts(request), clock.now()
    form = _week_form(request, districts)
    if request.method == "POST" and form.is_valid():
        lot, day = form.cleaned_data["lot"], form.cleaned_data["week"]
        try:
            run = laboratory.compare_week(
                lot=lot, first_date=day - timedelta(days=day.weekday()), made_by=request.user, now=now
            )
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            return redirect("web:city_comparison", run.pk)
    return _laboratory(request, districts, week_form=form, file_form=FileForm(districts=districts))


@require_POST
@signed_in
def upload(request: PersonalRequest) -> HttpResponse:
    """Compare on a day that somebody describes in a file."""
    districts = overseen_districts(request)
    form = FileForm(request.POST, request.FILES, districts=districts)
    if form.is_valid():
        file = form.cleaned_data["instance"]
        try:
            run = laboratory.compare_file(
                district=form.cleaned_data["district"],
                file_name=file.name,
                content=file.read(laboratory.MOST_BYTES + 1),
                made_by=request.user,
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error("instance", refusal.sentence)
        else:
            return redirect("web:city_comparison", run.pk)
    return _laboratory(request, districts, week_form=_week_form(request, districts, is_bound=False), file_form=form)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD"])
@signed_in
def comparison(request: PersonalRequest, comparison_id: int) -> HttpResponse:
    """One comparison: how far it is, then what came of it. While it is computed it asks for its own state again."""
    run = _own_run(request, comparison_id)
    if wants_fragment(request):
        if not run.is_under_way:
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return render(request, "city/_policies_state.html", {"run": run})
    context: dict[str, object] = {"run": run, "lot": run.lot}
    if not run.is_under_way:
        context |= _result(request, run)
    return render(request, "city/policies_run.html", context)


@require_POST
@signed_in
def cancel(request: PersonalRequest, comparison_id: int) -> HttpResponse:
    """Stop a comparison; one that ended meanwhile is shown as it is."""
    run = _own_run(request, comparison_id)
    try:
        laboratory.cancel(run=run)
    except DomainError as refusal:
        return render(
            request, "city/policies_run.html", {"run": run, "lot": run.lot, "refusal": refusal.sentence}, status=409
        )
    return redirect("web:city_comparison", run.pk)


@require_http_methods(["GET", "HEAD"])
@signed_in
def table(request: PersonalRequest, comparison_id: int, table: str) -> HttpResponse:
    """One of the tables, for a spreadsheet."""
    run = _own_run(request, comparison_id)
    if table not in TABLES:
        raise Http404
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8", headers=_attached(run, f"{table}.csv"))
    csv.writer(response).writerows(table_of(comparison_of(run), table).lines())
    return response


@require_http_methods(["GET", "HEAD"])
@signed_in
def picture(request: PersonalRequest, comparison_id: int, picture: str) -> HttpResponse:
    """One of the pictures as a file; a day's names the day and the policy in its address."""
    run = _own_run(request, comparison_id)
    if picture not in PICTURES:
        raise Http404
    found = comparison_of(run)
    if picture == "day":
        number, policy = _chosen_day(request, found), _chosen_policy(request)
        svg = "" if number is None else day_picture(found, number, policy)
    else:
        svg = sweep_picture(found, picture)
    if not svg:
        raise Http404
    return HttpResponse(standing_alone(svg), content_type="image/svg+xml", headers=_attached(run, f"{picture}.svg"))


def _own_run(request: PersonalRequest, run_id: int) -> LabRun:
    """A comparison of a district that the person oversees; for others there is none."""
    runs = LabRun.objects.filter(district__in=overseen_districts(request))
    return get_object_or_404(runs.select_related("lot__district", "district", "made_by"), pk=run_id)


def _laboratory(
    request: PersonalRequest, districts: list[District], *, week_form: WeekForm, file_form: FileForm
) -> HttpResponse:
    now = clock.now()
    usage = usage_by_district(districts, since=now - FOUR_WEEKS, now=now)
    runs = LabRun.objects.filter(district__in=districts).select_related("lot", "district").defer("days")
    context = {
        "week_form": week_form,
        "file_form": file_form,
        "has_lots": len(week_form.fields["lot"].choices) > 1,  # type: ignore[attr-defined]  # a choice field
        "runs": runs.order_by("-pk")[:RUNS_SHOWN],
        "refusals": [{"district": district, "usage": usage[district.pk]} for district in districts],
    }
    is_wrong = week_form.errors or file_form.errors
    return render(request, "city/policies.html", context, status=400 if is_wrong else 200)


def _week_form(request: PersonalRequest, districts: list[District], *, is_bound: bool = True) -> WeekForm:
    """The lots with most requests of late, first that which the address names."""
    now = clock.now()
    named = request.GET.get("lot", "")
    chosen = Lot.objects.filter(district__in=districts, pk=int(named)) if _is_number(named) else Lot.objects.none()
    offered = list(chosen.select_related("district"))
    offered += [lot for lot in busiest_lots(districts, now=now, most=LOTS_OFFERED) if lot not in offered]
    data = request.POST if is_bound and request.method == "POST" else None
    return WeekForm(
        data,
        lots=offered,
        districts=districts,
        initial={
            "lot": offered[0].pk if chosen or len(offered) == 1 else None,
            "week": _last_whole_week(timezone.localdate(now)),
        },
    )


def _last_whole_week(today: date) -> date:
    """The Monday of the last week that was over yesterday."""
    return today - timedelta(days=today.weekday() + 7 + (7 if today.weekday() == 0 else 0))


def _result(request: PersonalRequest, run: LabRun) -> dict[str, object]:
    found = comparison_of(run)
    number, policy = _chosen_day(request, found), _chosen_policy(request)
    if number is None:
        return {"found": found}
    day = found.days[found.numbers.index(number)]
    wishes = [wish for wish in found.wishes(number) if wish.refused_by]
    return {
        "found": found,
        "in_force": policies_by_lot([run.lot])[run.lot.pk].name if run.lot else "",
        "day": number,
        "days": [(one, _day_name(found, one)) for one in found.numbers],
        "policy": policy,
        "policy_label": policy_label(policy),
        "policies": [(name, policy_label(name)) for name in ALL_POLICIES],
        "before": _drawn(day_picture(found, number, None)),
        "after": _drawn(day_picture(found, number, policy)),
        "requests_of_day": len(day.instance.requests),
        "refused": [_refusal(wish) for wish in wishes[:REFUSED_SHOWN]],
        "more_refused": max(len(wishes) - REFUSED_SHOWN, 0),
        "sweeps": [_sweep(found, name) for name in ("thresholds", "weights")],
        "fairness": table_of(found, "fairness"),
    }


def _sweep(found: Comparison, name: str) -> dict[str, object]:
    return {"name": name, "picture": _drawn(sweep_picture(found, name)), "table": table_of(found, name)}


def _refusal(wish: Wish) -> dict[str, object]:
    return {"wish": wish, "by": [policy_label(name) for name in ALL_POLICIES if name in wish.refused_by]}


def _day_name(found: Comparison, number: int) -> str:
    day = found.days[found.numbers.index(number)]
    return str(number + 1) if day.begins_at is None else f"{day.begins_at.astimezone(found.zone):%Y-%m-%d}"


def _chosen_day(request: PersonalRequest, found: Comparison) -> int | None:
    """The day of the address where it is one of the comparison's; else the one with most requests."""
    named = request.GET.get("day", "")
    if _is_number(named) and int(named) in found.numbers:
        return int(named)
    sizes = [len(day.instance.requests) for day in found.days]
    return found.numbers[sizes.index(max(sizes))] if sizes else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < MOST_DIGITS


def _chosen_policy(request: PersonalRequest) -> str:
    named = request.GET.get("policy", "")
    return named if named in ALL_POLICIES else SHOWN_FIRST


def _drawn(svg: str) -> str:
    """A picture for the page: our own markup, in which every text was escaped when it was drawn."""
    return mark_safe(svg)  # noqa: S308 -- see above


def _attached(run: LabRun, name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="policies-{run.pk}-{name}"'}
