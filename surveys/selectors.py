"""What other rooms may ask surveys: who would share or use a bay where, and when bays are wanted."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import time

from django.db.models import Count, Exists, Q, QuerySet

from parking_share.accounts.models import User
from parking_share.spaces.models import DayType, Role, RoleGrant
from surveys.definition import Meaning, Option
from surveys.engine.proportions import Interval, wilson_interval
from surveys.engine.suppression import FEWEST_SHOWN
from surveys.models import Answer, Question, Questionnaire, Response, ResponseImport, Standing, Wave

HOURS = 24
MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True, kw_only=True)
class Willingness:
    """How many of a district's people said yes, of how many who were asked; at least five."""

    willing: int
    asked: int

    @property
    def share(self) -> float:
        return self.willing / self.asked

    @property
    def interval(self) -> Interval:
        return wilson_interval(self.willing, self.asked)


@dataclass(frozen=True, kw_only=True)
class DemandProfile:
    """Shares of demand by local hour of a kind of day, adding up to 1; `asked` is how many people it rests on."""

    shares: tuple[float, ...]
    asked: int


def questionnaires_of(user: User) -> QuerySet[Questionnaire]:
    """Surveys of the cities whose staff a person is; an operator has all. One query."""
    everything = Questionnaire.objects.order_by("pk")
    if user.is_superuser:
        return everything
    grants = RoleGrant.objects.filter(user=user)
    cities = grants.filter(role=Role.CITY_STAFF).values("district__city")
    return everything.filter(Q(city__in=cities) | Exists(grants.filter(role=Role.OPERATOR)))


def waves_of(user: User) -> QuerySet[Wave]:
    return Wave.objects.filter(questionnaire__in=questionnaires_of(user)).select_related("questionnaire", "version")


def imports_of(user: User) -> QuerySet[ResponseImport]:
    return ResponseImport.objects.filter(wave__in=waves_of(user)).select_related("wave__version", "wave__questionnaire")


def willingness_by_district(
    meaning: Meaning, *, district_ids: Collection[int], include_synthetic: bool = False
) -> dict[int, Willingness]:
    """Willingness to share or use a bay by district, over all waves; districts with fewer than five people are absent.

    What share of them said yes may still be all or none; a caller that shows it beside names of people must not.
    """
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    yes = {question.pk: _counting_options(question) for question in _questions(meaning, include_synthetic)}
    rows = (
        Answer.objects.filter(question__in=yes, response__standing=Standing.VALID, response__district__in=district_ids)
        .order_by()
        .values("response__district", "question_id", "option")
        .annotate(n=Count("*"))
        .values_list("response__district", "question_id", "option", "n")
    )
    for district, question, option, count in rows:
        counts[district][0] += count if option in yes[question] else 0
        counts[district][1] += count
    return {
        district: Willingness(willing=willing, asked=asked)
        for district, (willing, asked) in counts.items()
        if asked >= FEWEST_SHOWN
    }


def prior_demand_profile(
    day_type: DayType, *, city: str, district_id: int | None = None, include_synthetic: bool = False
) -> DemandProfile | None:
    """When people say they need a bay, spread evenly over the hours of each answer; None below five people.

    A prior for lots without history: multiply by the expected number of requests of a day.
    """
    shares, asked = [0.0] * HOURS, 0
    for question in _questions(Meaning.DEMAND_TIMES, include_synthetic):
        definition = question.version.definition
        if question.version.questionnaire.city != city:
            continue
        for number, count in _chosen(question, district_id):
            option = definition.by_key[question.key].option(number)
            if option.days in {"", day_type.value} and option.starts_at and option.ends_at:
                asked += count
                for hour, share in enumerate(hour_shares(option)):
                    shares[hour] += count * share
    if asked < FEWEST_SHOWN:
        return None
    return DemandProfile(shares=tuple(share / asked for share in shares), asked=asked)


def hour_shares(option: Option) -> list[float]:
    """The hours of an option: what share of its time lies in each of the 24; it may cross midnight."""
    minutes = [0.0] * HOURS
    for minute in _minutes(option.starts_at or time(), option.ends_at or time()):
        minutes[minute // 60] += 1
    total = sum(minutes)
    return [count / total for count in minutes]


def _minutes(starts_at: time, ends_at: time) -> Iterator[int]:
    first = starts_at.hour * 60 + starts_at.minute
    last = ends_at.hour * 60 + ends_at.minute
    length = (last - first) % MINUTES_OF_A_DAY or MINUTES_OF_A_DAY
    yield from ((first + minute) % MINUTES_OF_A_DAY for minute in range(length))


def _questions(meaning: Meaning, include_synthetic: bool) -> list[Question]:
    """Questions that measure this, in versions that collected something."""
    waves = Wave.objects.all() if include_synthetic else Wave.objects.filter(is_synthetic=False)
    asked = Question.objects.filter(meaning=meaning, version__waves__in=waves).distinct().order_by("pk")
    return list(asked.select_related("version__questionnaire"))


def _counting_options(question: Question) -> set[int]:
    spec = question.version.definition.by_key[question.key]
    return {option.number for option in spec.options if option.counts}


def _chosen(question: Question, district_id: int | None) -> list[tuple[int, int]]:
    valid = Response.objects.filter(standing=Standing.VALID)
    if district_id is not None:
        valid = valid.filter(district=district_id)
    rows = Answer.objects.filter(question=question, response__in=valid).order_by().values("option")
    return list(rows.annotate(n=Count("*")).values_list("option", "n"))
