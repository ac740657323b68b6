"""What a gate's display says to the driver: what happens, what to do."""

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _

from parking_share.fulfilment.candidates import Lane
from parking_share.fulfilment.gates import GateAnswer
from parking_share.fulfilment.verdicts import Judgement

Verdict = GateAnswer.Verdict

_SENTENCES: dict[GateAnswer.Verdict, Callable[[], str]] = {
    Verdict.RESERVED: lambda: _("Welcome."),
    Verdict.ADMITTED_EARLY: lambda: _("Welcome. You are early, and a bay is free already."),
    Verdict.RESIDENT: lambda: _("Welcome home."),
    Verdict.LISTED: lambda: _("Welcome."),
    Verdict.LEAVING: lambda: _("Goodbye."),
    Verdict.OPENED_BY_GUARD: lambda: _("Please drive on."),
    Verdict.TOO_EARLY: lambda: _("You are too early. Please come at the time of your reservation."),
    Verdict.TOO_LATE: lambda: _("Your reservation is over. Please book again."),
    Verdict.UNKNOWN_PLATE: lambda: _("We know no reservation of this car. Show your code, or ask the guard."),
    Verdict.AMBIGUOUS: lambda: _("The plate could not be read for certain. Show your code, or ask the guard."),
    Verdict.NO_PLATE: lambda: _("The plate could not be read. Show your code, or ask the guard."),
    Verdict.NOT_LIVE: lambda: _("This reading came late or twice."),
    Verdict.WRONG_CODE: lambda: _("This code is wrong, used or too old. Ask for a new one."),
    Verdict.NOT_THIS_LANE: lambda: _("This lane does not lead that way."),
    Verdict.FAIL_SAFE: lambda: _("We can't look you up at present. Please ask the guard."),
}


def sentence_of(verdict: GateAnswer.Verdict) -> str:
    return _SENTENCES[verdict]()


def sentence_for(judged: Judgement, lane: Lane | None, *, now: datetime) -> str:
    """The verdict's sentence, with the bay and its time, or with the time to come."""
    sentence, claim = sentence_of(judged.verdict), judged.candidate
    if judged.verdict == Verdict.LEAVING or claim is None or lane is None:
        return _("Please drive on.") if judged.opens and judged.verdict in _STRANGERS else sentence
    if judged.opens and claim.space_label and claim.held_until is not None:
        where = _("Bay %(bay)s is yours until %(until)s.")
        return f"{sentence} {where % {'bay': claim.space_label, 'until': _told(claim.held_until, lane, now=now)}}"
    if judged.verdict == Verdict.TOO_EARLY and claim.held_from is not None:
        come_at = _told(claim.held_from - lane.early_grace, lane, now=now)
        return _("You are too early. Please come from %(time)s on.") % {"time": come_at}
    return sentence


def _told(instant: datetime, lane: Lane, *, now: datetime) -> str:
    """A time of day on the lot's clock; with the date where it is another one."""
    local = instant.astimezone(lane.zone)
    return f"{local:%H:%M}" if local.date() == now.astimezone(lane.zone).date() else f"{local:%Y-%m-%d %H:%M}"


_STRANGERS = {Verdict.UNKNOWN_PLATE, Verdict.AMBIGUOUS}
