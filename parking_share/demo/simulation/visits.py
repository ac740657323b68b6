"""Drivers who keep their reservations, more or less."""

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import structlog

from parking_share.demo.simulation.api import DriversApp
from parking_share.demo.simulation.barrier import Barriers
from parking_share.demo.simulation.conduct import MINUTE, Conduct, Faults, draw_conduct
from parking_share.demo.simulation.diary import Diary
from parking_share.demo.simulation.floor import Floor
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import WITH_VEHICLES
from parking_share.reservations.states import OPEN, Status
from parking_share.spaces.models import Space

LOOKS_AHEAD = timedelta(hours=1)
TRIES_AT_THE_GATE = 4
TO_THE_BAY = 2 * MINUTE

log = structlog.get_logger(__name__)


class Visits:
    """Follows every reservation from the hour before its start until its car has left."""

    def __init__(
        self,
        *,
        floor: Floor,
        barriers: Barriers,
        app: DriversApp,
        diary: Diary,
        faults: Faults,
        rng: np.random.Generator,
    ) -> None:
        self._floor, self._barriers, self._app, self._diary = floor, barriers, app, diary
        self._faults, self._rng = faults, rng
        self._planned: set[int] = set()
        self.happened: Counter[str] = Counter()

    def look(self, now: datetime) -> None:
        """Plan the conduct of every driver whose reservation begins soon."""
        soon = Reservation.objects.filter(
            status__in=[Status.ACCEPTED, Status.ASSIGNED], starts_at__lte=now + LOOKS_AHEAD, ends_at__gt=now
        )
        for reservation in soon.exclude(pk__in=self._planned).prefetch_related(WITH_VEHICLES).order_by("pk"):
            self._planned.add(reservation.pk)
            conduct = draw_conduct(
                starts_at=reservation.starts_at, ends_at=reservation.ends_at, faults=self._faults, rng=self._rng
            )
            if not conduct.comes:
                self.happened["stayed away"] += 1
                continue
            visit = Visit(self, reservation, conduct)
            self._diary.at(max(conduct.arrives_at, now), visit.arrive)

    def pick_up(self, now: datetime) -> None:
        """Cars that stood in a bay when the simulation began leave like the others."""
        for reservation in Reservation.objects.filter(status=Status.PARKED).prefetch_related(WITH_VEHICLES):
            conduct = draw_conduct(
                starts_at=reservation.starts_at, ends_at=reservation.ends_at, faults=self._faults, rng=self._rng
            )
            self._planned.add(reservation.pk)
            visit = Visit(self, reservation, conduct)
            visit.stand_already(now)


class Visit:
    """One car's way in, to its bay, and out again."""

    def __init__(self, visits: Visits, reservation: Reservation, conduct: Conduct) -> None:
        self._all, self._pk, self._lot_id, self._conduct = visits, reservation.pk, reservation.lot_id, conduct
        self._plate = next(row.vehicle.plate for row in reservation.vehicle_rows.all())
        self._tries = 0

    def arrive(self, now: datetime) -> None:
        """Drive up; where the barrier stays shut, try again, then type the code, then give up."""
        reservation = self._reservation()
        if reservation.status not in OPEN:
            self._note("came in vain: " + reservation.get_status_display())
            return
        if not self._all._barriers.has_camera(self._lot_id, enters=True):
            self._press_button(reservation, now)
            return
        self._tries += 1
        if self._all._barriers.drive_up(self._lot_id, self._plate, enters=True, now=now) or (
            self._tries >= TRIES_AT_THE_GATE and self._opens_with_code(reservation)
        ):
            self._note("let in")
            self._all._diary.at(now + TO_THE_BAY, self.park)
        elif self._tries < TRIES_AT_THE_GATE:
            is_early = now < reservation.starts_at
            self._all._diary.at(max(now + MINUTE, reservation.starts_at if is_early else now), self.arrive)
        else:
            self._note("not let in")

    def _opens_with_code(self, reservation: Reservation) -> bool:
        return self._all._barriers.show_code(self._lot_id, self._all._app.code_for(reservation))

    def _press_button(self, reservation: Reservation, now: datetime) -> None:
        """No camera here: the driver says so in the browser, once the bay is known."""
        if self._all._app.arrive(reservation):
            self._note("said so")
            self.park(now)
        elif reservation.status == Status.ACCEPTED and reservation.starts_at > now - 30 * MINUTE:
            self._all._diary.at(now + 5 * MINUTE, self.arrive)

    def park(self, now: datetime) -> None:
        """Drive to the bay; where somebody stands in it, say so and take what is offered."""
        reservation = self._reservation()
        if reservation.space_id is None:
            self._drive_out(now)
            return
        space_id = reservation.space_id
        if self._conduct.takes_another_bay and self._tries:
            space_id = self._another_bay() or space_id
            self._note("took another bay")
        if self._conduct.meets_an_intruder and not self._all._floor.who(space_id):
            self._all._floor.park(space_id, f"贵Z{90000 + self._pk % 9999:05d}", now=now)
            self._leave_as_intruder(space_id, now)
        if not self._all._floor.park(space_id, self._plate, now=now):
            self._report(reservation, self._all._floor.who(space_id), now)
            return
        self._all._diary.at(max(self._conduct.leaves_at, now + MINUTE), self.leave)

    def stand_already(self, now: datetime) -> None:
        reservation = self._reservation()
        if reservation.space_id is not None:
            self._all._floor.park(reservation.space_id, self._plate, now=now)
        self._all._diary.at(max(self._conduct.leaves_at, now), self.leave)

    def _report(self, reservation: Reservation, intruder: str, now: datetime) -> None:
        outcome = self._all._app.report_taken_bay(reservation, intruder)
        self._note(f"bay taken: {outcome}")
        if outcome == "ANOTHER_BAY":
            self._conduct_again(now)
        else:
            self._drive_out(now)

    def _conduct_again(self, now: datetime) -> None:
        """Go to the new bay; nobody meets an intruder twice."""
        self._conduct = Conduct(
            comes=True,
            arrives_at=now,
            leaves_at=self._conduct.leaves_at,
            takes_another_bay=False,
            meets_an_intruder=False,
        )
        self._all._diary.at(now + MINUTE, self.park)

    def leave(self, now: datetime) -> None:
        """Drive out of the bay and, a minute later, out of the lot."""
        space_id = self._all._floor.bay_of(self._plate)
        if space_id is not None:
            self._all._floor.clear(space_id, self._plate, now=now)
        self._all._diary.at(now + MINUTE, self._drive_out)

    def _drive_out(self, now: datetime) -> None:
        if self._all._barriers.has_camera(self._lot_id, enters=False):
            if not self._all._barriers.drive_up(self._lot_id, self._plate, enters=False, now=now):
                self._note("waited at the exit")
                self._all._diary.at(now + MINUTE, self._drive_out_for_good)
        else:
            self._all._app.leave(self._reservation())
        self._note("left")

    def _drive_out_for_good(self, now: datetime) -> None:
        self._all._barriers.drive_up(self._lot_id, self._plate, enters=False, now=now)

    def _leave_as_intruder(self, space_id: int, now: datetime) -> None:
        intruder = self._all._floor.who(space_id)
        later = now + float(self._all._rng.uniform(20, 120)) * MINUTE
        self._all._diary.at(later, lambda at: self._all._floor.clear(space_id, intruder, now=at))

    def _another_bay(self) -> int | None:
        free = [pk for pk in self._bays() if not self._all._floor.who(pk)]
        return int(self._all._rng.choice(free)) if free else None

    def _bays(self) -> list[int]:
        return list(Space.objects.filter(lot=self._lot_id).order_by("pk").values_list("pk", flat=True))

    def _reservation(self) -> Reservation:
        return Reservation.objects.select_related("driver", "lot").get(pk=self._pk)

    def _note(self, what: str) -> None:
        self._all.happened[what] += 1
