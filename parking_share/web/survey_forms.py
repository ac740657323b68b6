"""Forms of the people who make surveys; what they mean is checked by the domain."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from parking_share.web.survey_lines import (
    conditions_from_lines,
    contradictions_from_lines,
    lines_of_conditions,
    lines_of_contradictions,
    lines_of_options,
    options_from_lines,
)
from surveys.definition import LANGUAGES, Kind, Meaning

TEXTS = ("title", "introduction", "consent", "thanks", "district_question")


class NewSurveyForm(forms.Form):
    city = forms.ChoiceField(label=_("City"))
    title_zh = forms.CharField(label=_("Title in Chinese"), max_length=120)
    title_en = forms.CharField(label=_("Title in English"), max_length=120)
    slug = forms.SlugField(
        label=_("Name in the address"),
        max_length=40,
        help_text=_("Small letters, digits and hyphens. People see it in the link and it can't be changed later."),
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Only small letters, digits and hyphens."))],
    )

    def __init__(self, *args: Any, cities: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        city = self.fields["city"]
        assert isinstance(city, forms.ChoiceField)
        city.choices = [(name, name) for name in cities]


class WaveForm(forms.Form):
    name = forms.CharField(label=_("Name of the wave"), max_length=80, help_text=_("For example a season and a year."))
    handed_out = forms.IntegerField(
        label=_("Forms handed out"), min_value=0, max_value=10_000_000, required=False, help_text=_("If it is known.")
    )
    needs_double_entry = forms.BooleanField(label=_("Paper forms are entered twice"), required=False)


class CloseForm(forms.Form):
    handed_out = forms.IntegerField(label=_("Forms handed out"), min_value=0, max_value=10_000_000, required=False)


class _Bilingual(forms.Form):
    """Pairs of fields, a text in either language each."""

    def texts(self, name: str) -> dict[str, str]:
        return {language: self.cleaned_data[f"{name}_{language[:2]}"] for language in LANGUAGES}


def _text(label: Any, *, lines: int = 1, longest: int = 400, required: bool = False) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": lines}) if lines > 1 else forms.TextInput()
    return forms.CharField(label=label, max_length=longest, required=required, widget=widget)


class SettingsForm(_Bilingual):
    title_zh = _text(_("Title in Chinese"), required=True)
    title_en = _text(_("Title in English"), required=True)
    introduction_zh = _text(_("Introduction in Chinese"), lines=3, longest=1_000)
    introduction_en = _text(_("Introduction in English"), lines=3, longest=1_000)
    consent_zh = _text(_("What people agree to, in Chinese"), lines=3, longest=1_000)
    consent_en = _text(_("What people agree to, in English"), lines=3, longest=1_000)
    thanks_zh = _text(_("Thanks in Chinese"), lines=2, longest=1_000)
    thanks_en = _text(_("Thanks in English"), lines=2, longest=1_000)
    district_question_zh = _text(_("Question for the district, in Chinese"))
    district_question_en = _text(_("Question for the district, in English"))
    min_seconds = forms.IntegerField(
        label=_("Least seconds"), min_value=0, max_value=3_600, help_text=_("Faster responses are invalid.")
    )
    straight_lining = forms.IntegerField(
        label=_("Straight-lining from how many scales"),
        min_value=0,
        max_value=100,
        help_text=_("The same point on that many scales makes a response invalid; 0 switches the rule off."),
    )
    duplicate_device = forms.BooleanField(label=_("A second response from a device is invalid"), required=False)
    contradictions = forms.CharField(
        label=_("Contradictions"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "lines"}),
        help_text=_("One a line: question = answer & question = answer | 中文 | English"),
    )

    def clean_contradictions(self) -> list[dict[str, Any]]:
        return contradictions_from_lines(self.cleaned_data["contradictions"])

    @staticmethod
    def initial_of(draft: dict[str, Any]) -> dict[str, Any]:
        rules = draft.get("validity") or {}
        initial = {
            f"{name}_{language[:2]}": (draft.get(name) or {}).get(language, "")
            for name in TEXTS
            for language in LANGUAGES
        }
        return initial | {
            "min_seconds": rules.get("min_seconds", 0),
            "straight_lining": rules.get("straight_lining", 0),
            "duplicate_device": rules.get("duplicate_device", False),
            "contradictions": lines_of_contradictions(rules.get("contradictions", ())),
        }

    def settings(self) -> dict[str, Any]:
        """What the draft gets from this form."""
        given = self.cleaned_data
        rules = ("min_seconds", "straight_lining", "duplicate_device", "contradictions")
        return {name: self.texts(name) for name in TEXTS} | {"validity": {name: given[name] for name in rules}}


class QuestionForm(_Bilingual):
    key = forms.RegexField(
        r"^[a-z][a-z0-9_]*$",
        label=_("Name"),
        max_length=40,
        help_text=_("Small letters, digits and _. It names the column of tables and downloads."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=Kind)
    text_zh = _text(_("Question in Chinese"), lines=2, required=True)
    text_en = _text(_("Question in English"), lines=2, required=True)
    help_zh = _text(_("Explanation in Chinese"))
    help_en = _text(_("Explanation in English"))
    required = forms.BooleanField(label=_("Must be answered"), required=False)
    options = forms.CharField(
        label=_("Answers"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 6, "class": "lines"}),
        help_text=_(
            "One a line: name | 中文 | English. After another |: yes for the answer that means yes, alone for one that"
            " excludes all others, hours as 08:30-12:30, WORKDAY or DAY_OFF."
        ),
    )
    show_if = forms.CharField(
        label=_("Ask only if"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 2, "class": "lines"}),
        help_text=_("One a line, all must hold: question = answer, answer. Only questions of earlier pages."),
    )
    meaning = forms.ChoiceField(
        label=_("What it measures"),
        required=False,
        choices=[("", pgettext_lazy("measures", "nothing that the platform uses")), *Meaning.choices],
    )
    points = forms.IntegerField(label=_("Points of the scale"), min_value=2, max_value=11, initial=5, required=False)
    low_zh = _text(_("First point in Chinese"), longest=60)
    low_en = _text(_("First point in English"), longest=60)
    high_zh = _text(_("Last point in Chinese"), longest=60)
    high_en = _text(_("Last point in English"), longest=60)
    lowest = forms.FloatField(label=_("Smallest number"), required=False, min_value=-1e9, max_value=1e9)
    highest = forms.FloatField(label=_("Largest number"), required=False, min_value=-1e9, max_value=1e9)
    unit_zh = _text(_("Unit in Chinese"), longest=40)
    unit_en = _text(_("Unit in English"), longest=40)
    longest = forms.IntegerField(label=_("Longest text"), min_value=1, max_value=2_000, initial=500, required=False)

    def clean_options(self) -> list[dict[str, Any]]:
        return options_from_lines(self.cleaned_data["options"])

    def clean_show_if(self) -> list[dict[str, Any]]:
        return conditions_from_lines(self.cleaned_data["show_if"])

    @staticmethod
    def initial_of(raw: dict[str, Any]) -> dict[str, Any]:
        initial = {
            f"{name}_{language[:2]}": (raw.get(name) or {}).get(language, "")
            for name in ("text", "help", "low", "high", "unit")
            for language in LANGUAGES
        }
        same = {name: raw[name] for name in ("key", "kind", "meaning", "points", "lowest", "highest") if name in raw}
        return (
            initial
            | same
            | {
                "required": raw.get("required", True),
                "longest": raw.get("longest", 500),
                "options": lines_of_options(raw.get("options", ())),
                "show_if": lines_of_conditions(raw.get("show_if", ())),
            }
        )

    def raw(self) -> dict[str, Any]:
        """The question's JSON: only what its kind has."""
        given, kind = self.cleaned_data, self.cleaned_data["kind"]
        found: dict[str, Any] = {
            "key": given["key"],
            "kind": kind,
            "text": self.texts("text"),
            "help": self.texts("help"),
            "required": given["required"],
            "show_if": given["show_if"],
            "meaning": given["meaning"],
        }
        if kind in {Kind.SINGLE, Kind.MULTIPLE, Kind.BANDS}:
            found["options"] = given["options"]
        elif kind == Kind.SCALE:
            found |= {"points": given["points"] or 5, "low": self.texts("low"), "high": self.texts("high")}
        elif kind == Kind.NUMBER:
            found |= {"lowest": given["lowest"], "highest": given["highest"], "unit": self.texts("unit")}
        else:
            found["longest"] = given["longest"] or 500
        return found
