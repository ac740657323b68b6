"""The study run through the platform: its forms imported, judged and summarised, its figures compared."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from parking_share import bells
from surveys import imports, services
from surveys.engine.proportions import percent
from surveys.models import Questionnaire, ResponseImport, Wave
from surveys.services import SurveyRefused
from surveys.study.published import DRIVERS, FIGURES, FORMS, OWNERS, VALID, Figure
from surveys.study.synthetic import INVALID, forms_of
from surveys.summaries import Funnel, QuestionSummary, Subset, funnel_of_all, funnels, summarise

CITY, WAVE = "贵阳", "2019"
SLUGS = {OWNERS: "guiyang-owners", DRIVERS: "guiyang-drivers"}
DEFINITIONS = Path(__file__).resolve().parent.parent / "definitions"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A printed figure beside what the platform counts."""

    figure: Figure
    count: int
    base: int
    computed: Decimal

    @property
    def is_exact(self) -> bool:
        return self.computed == self.figure.printed and self.figure.count in {None, self.count}

    @property
    def is_accounted_for(self) -> bool:
        """Exact, or a slip of the study that we name."""
        return self.is_exact or bool(self.figure.named)

    @property
    def arithmetic(self) -> str:
        exact = Decimal(self.count) * 100 / Decimal(self.base)
        return f"{self.count} / {self.base} = {exact:.4f} %"


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    waves: dict[str, Wave]
    funnel: Funnel
    figures: list[Compared]

    @property
    def is_complete(self) -> bool:
        """Every printed figure came out, the valid rate included."""
        expected = (FORMS, FORMS, sum(VALID.values()))
        funnel = (self.funnel.handed_out, self.funnel.returned, self.funnel.valid)
        return funnel == expected and all(one.is_accounted_for for one in self.figures)


def reproduce(*, now: datetime) -> Reproduction:
    """Bring the study in where it is not yet, and compare. Safe to run twice: forms come in once."""
    waves = {name: _wave(name, now=now) for name in (OWNERS, DRIVERS)}
    for name, wave in waves.items():
        _take_in(name, wave, now=now)
    counted = funnels(list(waves.values()))
    summaries = {
        name: {summary.question.key: summary for summary in summarise(Subset(wave=wave))}
        for name, wave in waves.items()
    }
    return Reproduction(
        waves=waves,
        funnel=funnel_of_all((wave, counted[wave.pk]) for wave in waves.values()),
        figures=[_compared(figure, summaries) for figure in FIGURES],
    )


def definition_data(name: str) -> dict[str, object]:
    """The JSON of one of the study's questionnaires."""
    data: dict[str, object] = json.loads((DEFINITIONS / f"{name}.json").read_text(encoding="utf-8"))
    return data


def table_of(name: str) -> bytes:
    """The forms of a questionnaire as a CSV table."""
    header, rows = forms_of(name)
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def _wave(name: str, *, now: datetime) -> Wave:
    found = Wave.objects.filter(questionnaire__slug=SLUGS[name], name=WAVE).first()
    if found is None:
        questionnaire = Questionnaire.objects.filter(slug=SLUGS[name]).first() or services.create_questionnaire(
            city=CITY, slug=SLUGS[name], draft=definition_data(name), now=now
        )
        if not questionnaire.versions.exists():
            services.publish(questionnaire=questionnaire, published_by=None, now=now)
        handed_out = VALID[name] + INVALID[name]
        found = services.open_wave(
            questionnaire=questionnaire, name=WAVE, opened_by=None, now=now, handed_out=handed_out, is_synthetic=True
        )
        services.close_wave(wave=found, now=now)
    return Wave.objects.select_related("version", "questionnaire").get(pk=found.pk)


def _take_in(name: str, wave: Wave, *, now: datetime) -> None:
    """The usual way of a table, without waiting for a worker."""
    with bells.muted():
        job = imports.upload(
            wave=wave, file_name=f"{SLUGS[name]}.csv", content=table_of(name), uploaded_by=None, now=now
        )
        imports.start_check(response_import=job, mapping=job.mapping)
        imports.work_on(import_id=job.pk, now=now)
        imports.start_import(response_import=ResponseImport.objects.get(pk=job.pk))
        imports.work_on(import_id=job.pk, now=now)
    job.refresh_from_db()
    if job.state != ResponseImport.State.DONE or job.refused:
        raise SurveyRefused(
            _("The study's forms were not taken in as a whole: %(sentence)s") % {"sentence": _first_problem(job)}
        )


def _first_problem(job: ResponseImport) -> str:
    first = job.problems.order_by("pk").first()
    return job.sentence or (str(first) if first else "")


def _compared(figure: Figure, summaries: dict[str, dict[str, QuestionSummary]]) -> Compared:
    asked = [(part, summaries[part.questionnaire]) for part in figure.parts]
    count = sum(_chosen(found[part.question], part.options) for part, found in asked)
    base = sum(VALID[part.questionnaire] for part, _found in asked)
    return Compared(figure=figure, count=count, base=base, computed=percent(count, base))


def _chosen(summary: QuestionSummary, options: Iterable[str]) -> int:
    return sum(line.count for line in summary.lines if line.option.code in set(options))
