"""Known shares of a population, and the weights that meet them."""

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.survey_scope import own_wave
from surveys.definition import QuestionSpec
from surveys.weighting import make_weighting, questions_to_weigh_by


class SharesForm(forms.Form):
    """A name, and for every answer of every question of one answer a share; questions left empty do not weigh."""

    name = forms.CharField(label=gettext_lazy("Name of the weighting"), max_length=80)

    def __init__(self, *args: object, questions: list[QuestionSpec], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.questions = questions
        for question in questions:
            for option in question.options:
                self.fields[f"{question.key}:{option.code}"] = forms.FloatField(
                    label=str(option.text), min_value=0, max_value=100, required=False
                )

    def groups(self) -> list[tuple[QuestionSpec, list[forms.BoundField]]]:
        """The fields by question."""
        return [
            (question, [self[f"{question.key}:{option.code}"] for option in question.options])
            for question in self.questions
        ]

    def margins(self) -> dict[str, Mapping[str, float]]:
        """The shares of the questions that anything was typed for; what is left empty there is none."""
        found: dict[str, Mapping[str, float]] = {}
        for question in self.questions:
            typed = {option.code: self.cleaned_data[f"{question.key}:{option.code}"] for option in question.options}
            if any(share is not None for share in typed.values()):
                found[question.key] = {code: share or 0.0 for code, share in typed.items()}
        return found


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def weigh(request: PersonalRequest, wave_id: int) -> HttpResponse:
    """The weightings of a wave, and the form that makes another."""
    wave = own_wave(request, wave_id)
    form = SharesForm(request.POST or None, questions=questions_to_weigh_by(wave))
    if request.method == "POST" and form.is_valid():
        try:
            made = make_weighting(
                wave=wave,
                name=form.cleaned_data["name"],
                margins=form.margins(),
                made_by=request.user,
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("The weights are made. This page shows weighted shares."))
            return redirect(f"{reverse('web:city_wave', args=[wave.pk])}?weighting={made.pk}")
    context = {
        "wave": wave,
        "survey": wave.questionnaire,
        "definition": wave.version.definition,
        "here": "weigh",
        "form": form,
        "weightings": wave.weightings.select_related("made_by").order_by("pk"),
    }
    return render(request, "surveys/weigh.html", context)
