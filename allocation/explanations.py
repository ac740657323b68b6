"""What policies do and why a decision came out as it did, in words for people who are not engineers."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from allocation.models import Decision, PolicyName
from parking_share.reservations.states import Reason

MEASURED_BEST = PolicyName.FORESIGHT


@dataclass(frozen=True)
class Explanation:
    """How a policy decides, and what drivers notice of it."""

    decides: "str | Promise"
    for_drivers: "str | Promise"


EXPLANATIONS: Mapping[PolicyName, Explanation] = {
    PolicyName.FCFS: Explanation(
        gettext_lazy("Accepts whoever fits, in the first free bay of the list. Nothing is optimised."),
        gettext_lazy("Easy to follow: a free bay is never refused. Over the day more drivers find only gaps."),
    ),
    PolicyName.DECISION_ONLY: Explanation(
        gettext_lazy(
            "The first stage of the published two-stage method: declines a booking whose leftover gaps are worth more "
            "than the booking, and keeps the bay that was found first."
        ),
        gettext_lazy("Short bookings in empty lots may be declined although bays are free."),
    ),
    PolicyName.TWO_STAGE: Explanation(
        gettext_lazy(
            "The published two-stage method: declines a booking whose leftover gaps are worth more than the booking, "
            "and chooses the final bays together shortly before the start."
        ),
        gettext_lazy("Short bookings in empty lots may be declined although bays are free. The bay is known last."),
    ),
    PolicyName.REVENUE: Explanation(
        gettext_lazy("Declines a booking that earns less than the bookings that are expected instead of it."),
        gettext_lazy("Cheap hours are hardly affected. In busy hours short bookings may be declined early."),
    ),
    PolicyName.BEST_FIT: Explanation(
        gettext_lazy("Accepts whenever a bay is free, in the one in which the gaps that are left are most useful."),
        gettext_lazy("A free bay is never refused, and more of them stay free for whole periods."),
    ),
    PolicyName.REASSIGN: Explanation(
        gettext_lazy(
            "As best fit; and where no bay is free for the whole period, moves bookings whose bay has not been "
            "announced so that one becomes free."
        ),
        gettext_lazy("Nobody notices a move: the bay is told shortly before the start, and never changes after that."),
    ),
    PolicyName.FORESIGHT: Explanation(
        gettext_lazy(
            "Keeps all bookings whose bay has not been announced packed as well as possible, and declines only what "
            "earns less than it displaces or breaks, judging by the demand that was learnt."
        ),
        gettext_lazy(
            "Most drivers are accepted over the day. In hours of high demand a short booking that would break a long "
            "gap may be declined; other times are offered."
        ),
    ),
}


def sentences_of(decision: Decision) -> list[str]:
    """Why this answer: what was found, what had to move, and by which rules."""
    said = [str(Reason(decision.reason).label)]
    if decision.spaces_free is not None:
        suited = ngettext("%(n)s bay suits.", "%(n)s bays suit.", decision.spaces_considered)
        free = ngettext(
            "%(n)s of them was free for the whole period.",
            "%(n)s of them were free for the whole period.",
            decision.spaces_free,
        )
        said += [suited % {"n": decision.spaces_considered}, free % {"n": decision.spaces_free}]
    if decision.others_moved:
        moved = ngettext(
            "%(n)s reservation that was not announced yet moved to another bay.",
            "%(n)s reservations that were not announced yet moved to other bays.",
            decision.others_moved,
        )
        said.append(moved % {"n": decision.others_moved})
    policy = PolicyName(decision.policy_name).label
    if decision.policy_version:
        rules = _("Policy: %(policy)s, version %(version)s.")
        return [*said, rules % {"policy": policy, "version": decision.policy_version}]
    return [*said, _("Policy: %(policy)s, as set out of the box.") % {"policy": policy}]
