"""Every number of section 3 (and one of section 4) of [guiyang] that follows from counts, as it was printed."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OWNERS, DRIVERS = "owners", "drivers"
FORMS, VALID = 1_800, {OWNERS: 729, DRIVERS: 779}


@dataclass(frozen=True, kw_only=True)
class Part:
    """People of one questionnaire who chose one of these options."""

    questionnaire: str
    question: str
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A printed share. `count` is None where only the share was printed; `named` says what is wrong with it."""

    section: str
    what: "Promise | str"
    parts: tuple[Part, ...]
    printed: Decimal
    count: int | None = None
    named: "Promise | str" = ""


def _owners(question: str, *options: str) -> tuple[Part, ...]:
    return (Part(questionnaire=OWNERS, question=question, options=options),)


def _drivers(question: str, *options: str) -> tuple[Part, ...]:
    return (Part(questionnaire=DRIVERS, question=question, options=options),)


USED = ("haotingche", "taochewei", "mifeng", "other")
NEVER = ("never", "never_would")
OWNERS_SYSTEMS = {"haotingche": 28, "taochewei": 49, "mifeng": 73, "other": 41, "never": 65, "never_would": 473}
DRIVERS_SYSTEMS = {"haotingche": 51, "taochewei": 83, "mifeng": 31, "other": 66, "never": 47, "never_would": 501}
_OWNERS_PRINTED = ("3.84", "6.72", "10.01", "5.62", "8.91", "64.88")
_DRIVERS_PRINTED = ("6.55", "10.65", "3.98", "8.47", "6.03", "64.31")
_CUT = _("The share was cut off instead of rounded.")
_SUM_OF_CUT = _("The sum of 8.91 and 64.88, one of which was cut off; the counts give more.")


def _figure(section: str, what: "Promise | str", parts: tuple[Part, ...], printed: str, **more: object) -> Figure:
    return Figure(section=section, what=what, parts=parts, printed=Decimal(printed), **more)  # type: ignore[arg-type]


FIGURES: tuple[Figure, ...] = (
    _figure("3.4.1", _("owners who would share"), _owners("share", "yes"), "68.45", count=499),
    _figure("3.4.1", _("owners who would not share"), _owners("share", "no"), "31.55", count=230),
    _figure("3.4.1", _("bays idle for 4 to 8 hours"), _owners("idle_length", "h4_8"), "50.75"),
    _figure("3.4.1", _("could be shared 8:30–12:30"), _owners("share_hours", "h0830"), "46.64"),
    _figure("3.4.1", _("could be shared 12:30–16:30"), _owners("share_hours", "h1230"), "45.27"),
    _figure("3.4.1", _("could be shared 16:30–20:30"), _owners("share_hours", "h1630"), "32.92"),
    _figure("3.4.1", _("could be shared 20:30–00:30"), _owners("share_hours", "h2030"), "20.58"),
    _figure("3.4.1", _("could be shared 00:30–08:30"), _owners("share_hours", "h0030"), "12.35"),
    _figure("3.4.1", _("concern: own use"), _owners("share_concern", "own_use"), "41.15"),
    _figure("3.4.1", _("concern: strangers in the compound"), _owners("share_concern", "strangers"), "26.06"),
    _figure("3.4.1", _("concern: trouble"), _owners("share_concern", "trouble"), "24.69"),
    _figure("3.4.2", _("owners who would use a shared bay"), _owners("use", "yes"), "46.64"),
    _figure("3.4.2", _("drivers who would use a shared bay"), _drivers("use", "yes"), "57.64"),
    _figure("3.4.2", _("all who would use a shared bay"), (*_owners("use", "yes"), *_drivers("use", "yes")), "52.32"),
    _figure("3.4.2", _("needed on weekends and holidays"), _drivers("need_time", "day_off"), "30.68"),
    _figure("3.4.2", _("needed in the morning"), _drivers("need_time", "morning"), "27.09"),
    *(
        _figure(
            "3.4.3",
            _("table 1"),
            _owners("system", code),
            printed,
            count=count,
            named=_CUT if printed == "8.91" else "",
        )
        for (code, count), printed in zip(OWNERS_SYSTEMS.items(), _OWNERS_PRINTED, strict=True)
    ),
    _figure("3.4.3", _("owners who never used a system"), _owners("system", *NEVER), "73.79", named=_SUM_OF_CUT),
    *(
        _figure("3.4.3", _("table 2"), _drivers("system", code), printed, count=count)
        for (code, count), printed in zip(DRIVERS_SYSTEMS.items(), _DRIVERS_PRINTED, strict=True)
    ),
    _figure("3.4.3", _("drivers who used a system"), _drivers("system", *USED), "29.65"),
)


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """Something in the text that its own numbers do not bear out, or that they leave open; with the arithmetic."""

    section: str
    sentence: "Promise | str"
    arithmetic: str


ODDITIES: tuple[Oddity, ...] = (
    Oddity(
        section="3.3",
        sentence=_(
            "All 1,800 forms came back “complete”, yet 292 are invalid; how many of each questionnaire is not said."
        ),
        arithmetic="1800 - 1508 = 292",
    ),
    Oddity(
        section="3.4.1",
        sentence=_("The shares of figure 2 are of people and not of answers: several hours could be chosen."),
        arithmetic="46.64 + 45.27 + 32.92 + 20.58 + 12.35 = 157.76 > 100",
    ),
    Oddity(
        section="3.4.1",
        sentence=_("Three concerns are named; what the other owners answered is not."),
        arithmetic="729 - 300 - 190 - 180 = 59",
    ),
    Oddity(
        section="3.4.2",
        sentence=_("Two of the times of figure 3 are given in the text; the others are not."),
        arithmetic="779 - 239 - 211 = 329",
    ),
    Oddity(
        section="3.4.2",
        sentence=_(
            "Figure 4 has no numbers in the text: only that safety of the car comes first and paying online second."
        ),
        arithmetic="–",
    ),
    Oddity(
        section="3.4.3",
        sentence=_("The printed shares of table 1 do not add up to 100, nor would they if 8.92 were printed."),
        arithmetic="3.84 + 6.72 + 10.01 + 5.62 + 8.91 + 64.88 = 99.98",
    ),
    Oddity(
        section="3.4.3",
        sentence=_(
            "“Of these” 64.88 % would use a system: that is the share of all owners, not of those who never used one."
        ),
        arithmetic="473 / 729 = 64.88 %; 473 / 538 = 87.92 %",
    ),
    Oddity(
        section="3.4.3",
        sentence=_("Users and others of table 1 do not add up to 100 with the printed share of 73.79."),
        arithmetic="191 / 729 = 26.20 %; 26.20 + 73.79 = 99.99",
    ),
)
