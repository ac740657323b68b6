"""Rekor Scout (OpenALPR): groups of readings of one car, and the agent's signs of life."""

from typing import Any

from django.utils.translation import gettext as _

from sensors.adapters.bodies import epoch, load_json, member, members, number, plates_of, share, text
from sensors.adapters.own import reply, says_open
from sensors.events import Event, Unreadable, plate_of
from sensors.readings import Kind

__all__ = ["read", "reply", "says_open"]

MOST_CAMERAS = 100


def read(body: bytes, content_type: str) -> list[Event]:
    """Single readings (`alpr_results`) are left out, for their group follows; so are cars that stand parked."""
    document = load_json(body, content_type)
    match text(member(document, "data_type")):
        case "alpr_group":
            return [] if member(document, "is_parked") is True else [_sighting(document)]
        case "heartbeat":
            return [_sign_of_life(document, one) for one in members(member(document, "video_streams"))[:MOST_CAMERAS]]
        case "":
            raise Unreadable(_("This is no message of a Rekor agent."))
    return []


def _sighting(group: Any) -> Event:
    plate = plate_of(text(member(group, "best_plate_number")))
    ended = number(member(group, "epoch_end")) or number(member(group, "epoch_start"))
    return Event(
        source_key=text(member(group, "best_uuid")),
        kind=Kind.PASS,
        device=text(member(group, "camera_id")),
        reported_at=epoch(ended and ended / 1000),
        plate=plate,
        alternatives=plates_of([member(one, "plate") for one in members(member(group, "candidates"))], but=plate),
        confidence=share(member(group, "best_confidence"), of=100),
    )


def _sign_of_life(document: Any, stream: Any) -> Event:
    camera, told = text(member(stream, "camera_id")), number(member(document, "timestamp"))
    agent = text(member(document, "agent_uid"))
    return Event(
        source_key=f"{agent}:heartbeat:{camera}:{text(member(document, 'timestamp'))}",
        kind=Kind.HEARTBEAT,
        device=camera,
        reported_at=epoch(told and told / 1000),
    )
