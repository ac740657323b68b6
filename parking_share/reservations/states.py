"""The life of a reservation: one table of allowed transitions. `docs/states.md` is generated from it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    REQUESTED = "REQUESTED", _("being decided")
    ACCEPTED = "ACCEPTED", _("accepted")
    ASSIGNED = "ASSIGNED", _("bay announced")
    PARKED = "PARKED", _("parked")
    COMPLETED = "COMPLETED", _("completed")
    DECLINED = "DECLINED", _("declined")
    CANCELLED = "CANCELLED", _("cancelled")
    EXPIRED = "EXPIRED", _("expired")
    RELEASED = "RELEASED", _("released")


HOLDS_A_SPACE = frozenset({Status.ACCEPTED, Status.ASSIGNED, Status.PARKED})
OPEN = frozenset({Status.REQUESTED}) | HOLDS_A_SPACE
MAY_LAPSE = frozenset({Status.ACCEPTED, Status.ASSIGNED})

ALLOWED: dict[Status, frozenset[Status]] = {
    Status.REQUESTED: frozenset({Status.ACCEPTED, Status.DECLINED, Status.CANCELLED}),
    Status.ACCEPTED: frozenset({Status.ASSIGNED, Status.CANCELLED, Status.RELEASED}),
    Status.ASSIGNED: frozenset({Status.PARKED, Status.CANCELLED, Status.RELEASED, Status.EXPIRED}),
    Status.PARKED: frozenset({Status.COMPLETED, Status.RELEASED}),
    Status.COMPLETED: frozenset(),
    Status.DECLINED: frozenset({Status.REQUESTED}),
    Status.CANCELLED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.RELEASED: frozenset(),
}

MEANING = {
    Status.REQUESTED: "A committed row waits for its decision.",
    Status.ACCEPTED: "A space is held tentatively: a bay is promised, not yet which.",
    Status.ASSIGNED: "The bay is announced and moves no more, unless it turns out to be taken.",
    Status.PARKED: "The car is in the bay.",
    Status.COMPLETED: "The car has left.",
    Status.DECLINED: "No space was given; the reason is recorded. Staff may take the request up again.",
    Status.CANCELLED: "The driver took the reservation back.",
    Status.EXPIRED: "Nobody came within the grace.",
    Status.RELEASED: "The bay was lost and no other was found, or could not be announced in time.",
}


class Reason(models.TextChoices):
    """Why a reservation is in its status, in words a person can read."""

    ASKED = "ASKED", _("Requested.")
    ROOM_FOUND = "ROOM_FOUND", _("A bay is kept for you.")
    BAY_ANNOUNCED = "BAY_ANNOUNCED", _("Your bay has been announced.")
    NO_FREE_SPACE = "NO_FREE_SPACE", _("No bay is free for the whole period.")
    FRAGMENTS_OUTWEIGH_REVENUE = (
        "FRAGMENTS_OUTWEIGH_REVENUE",
        _("Every free bay would be left with gaps too short for anybody else."),
    )
    EXPECTED_DEMAND_OUTWEIGHS_REVENUE = (
        "EXPECTED_DEMAND_OUTWEIGHS_REVENUE",
        _("The free bays are kept for bookings that are expected and use them better."),
    )
    VEHICLE_IS_BOOKED = "VEHICLE_IS_BOOKED", _("One of the cars has another reservation at that time.")
    TOO_LATE = "TOO_LATE", _("The period had ended before a decision was possible.")
    LOT_CLOSED = "LOT_CLOSED", _("The lot takes no reservations at present.")
    CANCELLED_BY_DRIVER = "CANCELLED_BY_DRIVER", _("Cancelled by the driver.")
    NO_SHOW = "NO_SHOW", _("Nobody came, so the bay was given back.")
    NEVER_ANNOUNCED = "NEVER_ANNOUNCED", _("We could not announce a bay in time. You owe nothing.")
    ARRIVED = "ARRIVED", _("The car has arrived.")
    LEFT = "LEFT", _("The car has left.")
    MOVED = "MOVED", _("Another bay was chosen.")
    REARRANGED = "REARRANGED", _("Another bay was chosen before any was announced.")
    SPACE_LOST = "SPACE_LOST", _("The bay was lost and no other was free.")
    OVERSTAYED = "OVERSTAYED", _("The car before had not left, so another bay was chosen.")
    BAY_TAKEN = "BAY_TAKEN", _("Somebody else stood in the bay, so another one was chosen.")
    REPLACEMENT = "REPLACEMENT", _("A bay is kept for you in place of the one that was lost, at no extra cost.")
    ADMITTED_EARLY = "ADMITTED_EARLY", _("The car was let in before its time.")
    HELD_LONGER = "HELD_LONGER", _("The bay is kept as long as the car stands in it.")
    HELD_LATER = "HELD_LATER", _("The car still stood elsewhere, so the bay is kept from later on.")
    EXTENDED = "EXTENDED", _("The time was extended.")
    PRESUMED_LEFT = "PRESUMED_LEFT", _("The time was over and nothing said that the car was still there.")
    TAKEN_UP_AGAIN = "TAKEN_UP_AGAIN", _("The staff of the car park takes the request up again.")
    OVERRULED = "OVERRULED", _("The staff of the car park found a bay for you after all.")
    PINNED = "PINNED", _("The staff of the car park chose the bay.")


CHANGES_THE_HOLD = frozenset({Reason.ADMITTED_EARLY, Reason.HELD_LONGER, Reason.HELD_LATER, Reason.EXTENDED})
