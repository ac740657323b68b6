"""Which readings open a gate, written from the rules as people would say them; shares nothing with the product.

A world is a list of facts about plates. Times are minutes from now; a fact that has no time holds always.
"""

from dataclasses import dataclass

LOOK_ALIKE = ("0DOQ", "8B", "2Z", "5S", "1IL")
GRACE, FAVOUR, REMEMBERED = 15, 120, 12 * 60


@dataclass(frozen=True)
class Fact:
    """What is known of a plate at a lot: RESERVATION with its status, RESIDENT, LISTED, or only REGISTERED anywhere."""

    plate: str
    what: str
    lot: int = 0
    status: str = ""
    begins: float = 0
    ends: float = 0
    lapses: float | None = None


@dataclass(frozen=True)
class Read:
    """What a camera says; `says_live` is None where it has no word for it.

    PASS comes from a camera that does not know the direction: in a lane of one direction it is that one.
    """

    plate: str
    direction: str
    lane: str
    lot: int
    minutes_ago: float = 0
    says_live: bool | None = None
    is_repeated: bool = False


def opens(read: Read, world: list[Fact], *, strangers_may_leave: bool) -> bool:
    if read.is_repeated or read.says_live is False:
        return False
    if read.minutes_ago > 5 and read.says_live is not True:
        return False
    if read.plate in ("", "_无_"):
        return False
    if (read.direction, read.lane) in (("ENTER", "ENTRY"), ("ENTER", "BOTH"), ("PASS", "ENTRY")):
        return _comes_in(read, world)
    if (read.direction, read.lane) in (("EXIT", "EXIT"), ("EXIT", "BOTH"), ("PASS", "EXIT")):
        return _goes_out(read, world) or strangers_may_leave
    return False


def _comes_in(read: Read, world: list[Fact]) -> bool:
    here = [fact for fact in world if fact.lot == read.lot]
    if _is_some_known_car(read, world):
        return any(_may_come(fact) or _may_book_again(fact) for fact in here if fact.plate == read.plate)
    alike = {
        fact.plate for fact in here if look_alike(fact.plate, read.plate) and (_may_come(fact) or _may_book_again(fact))
    }
    if len(alike) != 1:
        return False
    return any(_may_come(fact) for fact in here if fact.plate in alike)


def _goes_out(read: Read, world: list[Fact]) -> bool:
    here = [fact for fact in world if fact.lot == read.lot]
    if _is_some_known_car(read, world):
        return any(fact.plate == read.plate and _may_have_been_here(fact) for fact in here)
    alike = {fact.plate for fact in here if look_alike(fact.plate, read.plate) and _is_here(fact)}
    return len(alike) == 1


def _is_some_known_car(read: Read, world: list[Fact]) -> bool:
    """A plate that somebody registered, wherever, or that is on the list here now, is read for what it is."""
    same = [fact for fact in world if fact.plate == read.plate]
    return any(fact.what != "LISTED" or (fact.lot == read.lot and fact.begins <= 0 < fact.ends) for fact in same)


def _may_come(fact: Fact) -> bool:
    if fact.what in ("RESIDENT", "LISTED"):
        return fact.what == "RESIDENT" or fact.begins <= 0 < fact.ends
    if fact.what != "RESERVATION" or fact.ends <= 0:
        return False
    if fact.status == "PARKED":
        return fact.begins - GRACE <= 0
    waits = fact.status in ("ACCEPTED", "ASSIGNED") and (fact.lapses is None or fact.lapses > 0)
    return waits and fact.begins - GRACE - FAVOUR <= 0


def _may_book_again(fact: Fact) -> bool:
    if fact.what != "RESERVATION" or not fact.begins - GRACE <= 0 < fact.ends:
        return False
    lapsed = fact.status in ("ACCEPTED", "ASSIGNED") and fact.lapses is not None and fact.lapses <= 0
    return lapsed or fact.status == "EXPIRED"


def _may_have_been_here(fact: Fact) -> bool:
    if fact.what == "RESERVATION":
        return fact.status != "CANCELLED" and _is_remembered(fact)
    return fact.what == "RESIDENT" or (fact.what == "LISTED" and fact.begins <= 0 < fact.ends)


def _is_here(fact: Fact) -> bool:
    if fact.what == "RESERVATION":
        has_come = fact.status == "ASSIGNED" and (fact.lapses is None or fact.begins <= 0)
        return fact.status == "PARKED" or has_come
    return fact.what == "RESIDENT" or (fact.what == "LISTED" and fact.begins <= 0 < fact.ends)


def _is_remembered(fact: Fact) -> bool:
    """A reservation that was over long ago explains no car."""
    return fact.status in ("ACCEPTED", "ASSIGNED", "PARKED") or fact.ends > -REMEMBERED


def look_alike(one: str, other: str) -> bool:
    return len(one) == len(other) and all(
        a == b or any(a in group and b in group for group in LOOK_ALIKE) for a, b in zip(one, other, strict=True)
    )
