from functools import cached_property
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User
from parking_share.spaces.models import District
from surveys.definition import Definition, Kind, Meaning, read_definition

LONGEST_REFERENCE = 64


class Questionnaire(models.Model):
    """A survey of a city: the name in its public address, and the draft that its staff edit."""

    city = models.CharField(_("city"), max_length=80)
    slug = models.SlugField(_("name in the address"), max_length=40, unique=True)
    draft: "models.JSONField[Any, Any]" = models.JSONField(_("draft"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    changed_at = models.DateTimeField(_("draft changed"), default=timezone.now)

    class Meta:
        verbose_name = _("questionnaire")
        verbose_name_plural = _("questionnaires")
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.draft_definition.title) or self.slug

    @property
    def draft_definition(self) -> Definition:
        return read_definition(self.draft)


class QuestionnaireVersion(models.Model):
    """A questionnaire as it was published. Append-only."""

    questionnaire = models.ForeignKey(
        Questionnaire, on_delete=models.PROTECT, related_name="versions", verbose_name=_("questionnaire")
    )
    number = models.PositiveIntegerField(_("version"))
    data: "models.JSONField[Any, Any]" = models.JSONField(_("definition"))
    published_at = models.DateTimeField(_("published"))
    published_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("published by")
    )

    class Meta:
        verbose_name = _("version of a questionnaire")
        verbose_name_plural = _("versions of questionnaires")
        constraints = [models.UniqueConstraint(name="questionnaire_version_once", fields=["questionnaire", "number"])]

    def __str__(self) -> str:
        return f"{self.definition.title} {self.number}"

    @cached_property
    def definition(self) -> Definition:
        return read_definition(self.data)


class Question(models.Model):
    """A question of a version, as answers name it. Append-only."""

    version = models.ForeignKey(
        QuestionnaireVersion, on_delete=models.PROTECT, related_name="questions", verbose_name=_("version")
    )
    number = models.PositiveSmallIntegerField(_("number"))
    key = models.CharField(_("name"), max_length=40)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    meaning = models.CharField(_("measures"), max_length=20, choices=Meaning, blank=True)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.UniqueConstraint(name="question_numbered_once_per_version", fields=["version", "number"]),
            models.UniqueConstraint(name="question_named_once_per_version", fields=["version", "key"]),
        ]

    def __str__(self) -> str:
        return self.key


class Wave(models.Model):
    """One collection of responses to a version."""

    questionnaire = models.ForeignKey(
        Questionnaire, on_delete=models.PROTECT, related_name="waves", verbose_name=_("questionnaire")
    )
    version = models.ForeignKey(
        QuestionnaireVersion, on_delete=models.PROTECT, related_name="waves", verbose_name=_("version")
    )
    name = models.CharField(_("name"), max_length=80)
    handed_out = models.PositiveIntegerField(_("forms handed out"), null=True, blank=True)
    needs_double_entry = models.BooleanField(_("paper forms are entered twice"), default=False)
    is_synthetic = models.BooleanField(_("synthetic"), default=False)
    note = models.TextField(_("note"), max_length=1_000, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    opened_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("opened by")
    )

    class Meta:
        verbose_name = _("wave")
        verbose_name_plural = _("waves")
        constraints = [
            models.UniqueConstraint(name="wave_named_once_per_questionnaire", fields=["questionnaire", "name"]),
            models.UniqueConstraint(
                name="questionnaire_has_one_open_wave", fields=["questionnaire"], condition=Q(closed_at__isnull=True)
            ),
            models.CheckConstraint(
                name="wave_closes_after_it_opens",
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class Standing(models.TextChoices):
    DRAFT = "DRAFT", _("not finished")
    VALID = "VALID", _("valid")
    INVALID = "INVALID", _("invalid")


class Source(models.TextChoices):
    PUBLIC = "PUBLIC", _("public page")
    INTERVIEWER = "INTERVIEWER", _("interviewer")
    IMPORT = "IMPORT", _("table")


class Response(models.Model):
    """One filled-in form. No person: what could lead to one is erased when it is submitted or the wave closes.

    `reference` is the paper form's number or the table's key, so that nothing comes in twice.
    """

    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="responses", verbose_name=_("wave"))
    district = models.ForeignKey(
        District, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("district")
    )
    source = models.CharField(_("came by"), max_length=11, choices=Source)
    language = models.CharField(_("language"), max_length=10, blank=True)
    standing = models.CharField(_("standing"), max_length=7, choices=Standing, default=Standing.DRAFT)
    reasons: "ArrayField[list[str], list[str]]" = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, verbose_name=_("why it is invalid")
    )
    reference = models.CharField(_("form number or key"), max_length=LONGEST_REFERENCE, blank=True)
    token_hash = models.BinaryField(_("hash of the way back"), max_length=32, null=True, blank=True, editable=False)
    device_hash = models.BinaryField(_("hash of the device"), max_length=32, null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    answered_date = models.DateField(_("answered"), null=True, blank=True)
    seconds_taken = models.PositiveIntegerField(_("seconds taken"), null=True, blank=True)

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        indexes = [
            models.Index(name="response_by_standing", fields=["wave", "standing"]),
            models.Index(name="response_draft_by_start", fields=["started_at"], condition=Q(standing="DRAFT")),
            models.Index(
                name="response_by_device", fields=["wave", "device_hash"], condition=Q(device_hash__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="response_comes_in_once", fields=["wave", "reference"], condition=~Q(reference="")
            ),
            models.UniqueConstraint(name="response_way_back_is_its_own", fields=["token_hash"]),
            models.CheckConstraint(
                name="response_is_invalid_exactly_for_a_reason",
                condition=Q(standing="INVALID", reasons__len__gt=0) | (~Q(standing="INVALID") & Q(reasons=[])),
            ),
            models.CheckConstraint(
                name="submitted_response_leads_to_nobody",
                condition=Q(standing="DRAFT") | Q(token_hash__isnull=True, started_at__isnull=True),
            ),
            models.CheckConstraint(name="response_standing_is_known", condition=Q(standing__in=Standing.values)),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class Answer(models.Model):
    """A chosen option, a number or a text; `option` is 0 where the question has no options.

    The key doubles as the index of cross-tables: the answers to one question lie side by side, in order of response.
    """

    pk = models.CompositePrimaryKey("question", "response", "option")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+", db_index=False)
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="answers")
    option = models.PositiveSmallIntegerField(_("option"), default=0)
    number = models.FloatField(_("number"), null=True, blank=True)
    text = models.TextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.CheckConstraint(
                name="answer_says_exactly_one_thing",
                condition=Q(option__gt=0, number__isnull=True, text="")
                | Q(option=0, number__isnull=False, text="")
                | (Q(option=0, number__isnull=True) & ~Q(text="")),
            )
        ]

    def __str__(self) -> str:
        return self.text or str(self.option or self.number)


class FormEntry(models.Model):
    """What somebody typed from a paper form. A second entry finds slips of the first."""

    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="form_entries", verbose_name=_("wave"))
    form_number = models.CharField(_("form number"), max_length=20)
    turn = models.PositiveSmallIntegerField(_("turn"))
    answers: "models.JSONField[Any, Any]" = models.JSONField(_("answers"))
    district = models.ForeignKey(
        District, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("district")
    )
    entered_at = models.DateTimeField(_("entered"))
    entered_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("entered by")
    )

    class Meta:
        verbose_name = _("entry of a paper form")
        verbose_name_plural = _("entries of paper forms")
        constraints = [
            models.UniqueConstraint(name="form_entered_once_per_turn", fields=["wave", "form_number", "turn"]),
            models.CheckConstraint(name="form_is_entered_twice_at_most", condition=Q(turn__in=[1, 2])),
        ]

    def __str__(self) -> str:
        return f"{self.form_number} ({self.turn})"


class ResponseImport(models.Model):
    """A table on its way in: uploaded, checked without changing anything, then taken in, a slice at a time."""

    class State(models.TextChoices):
        UPLOADED = "UPLOADED", _("uploaded")
        CHECKING = "CHECKING", _("being checked")
        CHECKED = "CHECKED", _("checked")
        IMPORTING = "IMPORTING", _("being imported")
        DONE = "DONE", _("imported")
        REFUSED = "REFUSED", _("refused")

    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="imports", verbose_name=_("wave"))
    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(_("content"), null=True, editable=False)
    header: "ArrayField[list[str], list[str]]" = ArrayField(models.TextField(), default=list, verbose_name=_("columns"))
    mapping: "models.JSONField[Any, Any]" = models.JSONField(_("which column is which question"), default=dict)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.UPLOADED)
    rows = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    rows_done = models.PositiveIntegerField(_("rows done"), default=0)
    created = models.PositiveIntegerField(_("taken in"), default=0)
    invalid = models.PositiveIntegerField(_("of these invalid"), default=0)
    already_there = models.PositiveIntegerField(_("there already"), default=0)
    refused = models.PositiveIntegerField(_("rows refused"), default=0)
    sentence = models.TextField(_("why it was refused"), blank=True)
    uploaded_at = models.DateTimeField(_("uploaded"))
    uploaded_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("uploaded by")
    )
    claimed_until = models.DateTimeField(_("worked on until"), null=True, blank=True)

    class Meta:
        verbose_name = _("import of responses")
        verbose_name_plural = _("imports of responses")
        constraints = [
            models.CheckConstraint(
                name="import_counts_every_row",
                condition=Q(rows_done=F("created") + F("already_there") + F("refused")),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.CHECKING, self.State.IMPORTING}


class ImportProblem(models.Model):
    """A row that was left out: where, and why."""

    response_import = models.ForeignKey(ResponseImport, on_delete=models.CASCADE, related_name="problems")
    row_number = models.PositiveIntegerField(_("row"))
    column = models.TextField(_("column"), blank=True)
    sentence = models.TextField(_("problem"))

    class Meta:
        verbose_name = _("problem of an import")
        verbose_name_plural = _("problems of imports")

    def __str__(self) -> str:
        return f"{self.row_number}: {self.sentence}"


class ImportMapping(models.Model):
    """Which column was which question the last time a table with these columns came."""

    questionnaire = models.ForeignKey(Questionnaire, on_delete=models.CASCADE, related_name="mappings")
    header: "ArrayField[list[str], list[str]]" = ArrayField(models.TextField(), verbose_name=_("columns"))
    header_hash = models.CharField(_("hash of the columns"), max_length=64)
    mapping: "models.JSONField[Any, Any]" = models.JSONField(_("which column is which question"))

    class Meta:
        verbose_name = _("remembered columns")
        verbose_name_plural = _("remembered columns")
        constraints = [models.UniqueConstraint(name="columns_remembered_once", fields=["questionnaire", "header_hash"])]

    def __str__(self) -> str:
        return ", ".join(self.header)


class Weighting(models.Model):
    """Known shares of some questions' answers, and how the weights that meet them turned out. Append-only."""

    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="weightings", verbose_name=_("wave"))
    name = models.CharField(_("name"), max_length=80)
    margins: "models.JSONField[Any, Any]" = models.JSONField(_("known shares"))
    effective_number = models.FloatField(_("effective number"))
    design_effect = models.FloatField(_("design effect"))
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )

    class Meta:
        verbose_name = _("weighting")
        verbose_name_plural = _("weightings")
        constraints = [models.UniqueConstraint(name="weighting_named_once_per_wave", fields=["wave", "name"])]

    def __str__(self) -> str:
        return self.name


class ResponseWeight(models.Model):
    pk = models.CompositePrimaryKey("weighting", "response")
    weighting = models.ForeignKey(Weighting, on_delete=models.CASCADE, related_name="weights", db_index=False)
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="weights")
    weight = models.FloatField(_("weight"))

    class Meta:
        verbose_name = _("weight of a response")
        verbose_name_plural = _("weights of responses")
        constraints = [models.CheckConstraint(name="weight_is_not_negative", condition=Q(weight__gte=0))]

    def __str__(self) -> str:
        return f"{self.weight:g}"
