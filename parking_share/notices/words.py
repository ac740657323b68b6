"""What a notice of a kind of its own says, in the language that is active: its facts as sentences."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parking_share.notices.models import Notice

Facts = Mapping[str, str | int]


def sentences_of(notice: Notice) -> list[str]:
    """The sentences below its headline; none where the headline says all."""
    says = _SAYS.get(Notice.Kind(notice.kind))
    if says is None:
        return []
    return [sentence for sentence in says(notice.facts, _zone(notice)) if sentence]


def _ending_soon(facts: Facts, zone: ZoneInfo) -> list[str]:
    ends = _("Your time in bay %(space)s ends at %(time)s.") % {
        "space": facts["space"],
        "time": _time(facts["ends_at"], zone),
    }
    if facts["stay_until"] == facts["ends_at"]:
        return [ends, _("Your bay is needed right after it. Please drive off in time.")]
    longer = _("You can stay until %(time)s: extend your reservation.") % {"time": _time(facts["stay_until"], zone)}
    return [ends, longer]


def _overstay(facts: Facts, zone: ZoneInfo) -> list[str]:
    return [
        _("Your time in bay %(space)s ended at %(time)s. Please drive off.")
        % {"space": facts["space"], "time": _time(facts["ends_at"], zone)},
        _("From %(time)s on an hour costs %(money)s.")
        % {
            "time": _time(facts["charged_from"], zone),
            "money": _money(facts["cents_an_hour"], facts["currency"]),
        },
    ]


def _promise_broken(facts: Facts, _zone: ZoneInfo) -> list[str]:
    owed = _("You owe nothing for it, and %(money)s are due to you.") % {
        "money": _money(facts["compensation_cents"], facts["currency"])
    }
    if "offered_lot" not in facts:
        return [_("No other bay is free nearby. We are sorry."), owed]
    metres = int(facts["distance_m"])
    walk = ngettext("%(n)s metre away", "%(n)s metres away", metres) % {"n": metres}
    offer = _("A bay is kept for you at %(lot)s, %(walk)s, at no extra cost. Cancel it if you do not want it.")
    return [offer % {"lot": facts["offered_lot"], "walk": walk}, owed]


def _asked_to_move(facts: Facts, _zone: ZoneInfo) -> list[str]:
    return [
        _("Your car was seen in bay %(space)s of %(lot)s, which is kept for somebody else now.")
        % {"space": facts["space"], "lot": facts["lot"]}
    ]


def _come_later(facts: Facts, zone: ZoneInfo) -> list[str]:
    return [_("Come back to the gate at %(time)s.") % {"time": _time(facts["earliest_at"], zone)}]


_SAYS: Mapping[Notice.Kind, Callable[[Facts, ZoneInfo], list[str]]] = {
    Notice.Kind.ENDING_SOON: _ending_soon,
    Notice.Kind.OVERSTAY: _overstay,
    Notice.Kind.PROMISE_BROKEN: _promise_broken,
    Notice.Kind.ASKED_TO_MOVE: _asked_to_move,
    Notice.Kind.COME_LATER: _come_later,
}


def _zone(notice: Notice) -> ZoneInfo:
    """Times are told on the clock of the lot."""
    about = notice.about
    return about.lot.zone if about else ZoneInfo(settings.TIME_ZONE)


def _time(iso: str | int, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(str(iso)).astimezone(zone):%H:%M}"


def _money(cents: str | int, currency: str | int) -> str:
    """Minor units as an amount with its code; a currency without them is written whole."""
    if currency in {"JPY", "KRW"}:
        return f"{cents} {currency}"
    return f"{int(cents) // 100}.{int(cents) % 100:02d} {currency}"
