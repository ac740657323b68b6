"""The site in the drivers' hands: every call goes over the public interface, with the driver's own token."""

from datetime import datetime

from parking_share.accounts.models import User
from parking_share.accounts.services import issue_api_token
from parking_share.demo.client import Client, Reply
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import Lot

TOKEN_NAME = "simulate_city"  # noqa: S105 -- the name of a token, not a token


class DriversApp:
    """Tokens are issued as drivers first need one."""

    def __init__(self, site: str, *, now: datetime) -> None:
        self._site, self._now = site, now
        self._clients: dict[int, Client] = {}

    def book(self, driver: User, wish: dict[str, object], *, key: str) -> Reply:
        return self._client(driver).ask(wish, key=key)

    def cancel(self, reservation: Reservation) -> bool:
        return self._call(reservation, "cancel").status == 200

    def arrive(self, reservation: Reservation) -> bool:
        return self._call(reservation, "arrive").status == 200

    def leave(self, reservation: Reservation) -> bool:
        return self._call(reservation, "leave").status == 200

    def report_taken_bay(self, reservation: Reservation, plate: str) -> str:
        """What the site offers instead: ANOTHER_BAY, ANOTHER_LOT or FREE_CANCELLATION; or why it did not."""
        reply = self._call(reservation, "bay-taken", {"plate": plate})
        return str(reply.body["outcome"]) if reply.status in {200, 201} else reply.code

    def code_for(self, reservation: Reservation) -> str:
        """Ask for a one-time code; empty where the site gives none."""
        reply = self._call(reservation, "code")
        return str(reply.body["code"]) if reply.status == 201 else ""

    def _call(self, reservation: Reservation, verb: str, data: object = None) -> Reply:
        return self._client(reservation.driver).post(f"/api/v1/reservations/{reservation.pk}/{verb}", data)

    def _client(self, driver: User) -> Client:
        if driver.pk not in self._clients:
            token = issue_api_token(user=driver, name=TOKEN_NAME, now=self._now)
            self._clients[driver.pk] = Client(site=self._site, token=token)
        return self._clients[driver.pk]


def wish_for(lot: Lot, *, vehicle_id: int, starts_at: datetime, ends_at: datetime) -> dict[str, object]:
    return {
        "lot": lot.pk,
        "vehicles": [vehicle_id],
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
    }
