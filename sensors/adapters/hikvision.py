"""Hikvision ISAPI `EventNotificationAlert`: bare XML, or the XML as one part beside pictures; two namespaces."""

import re
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _

from sensors.adapters.bodies import colour, instant, is_multipart, parts_of, plate_mark, share
from sensors.events import Event, Unreadable, plate_of
from sensors.readings import Kind

MOST_XML = 100_000
NAMESPACE = "http://www.isapi.org/ver20/XMLSchema"
DIRECTIONS = {"forward": True, "approach": True, "reverse": False, "backward": False, "leave": False}
_SAYS_GB = re.compile(rb"<\?xml[^>]*encoding=[\"']gb[^>]*>", re.IGNORECASE)
SIGNS_OF_LIFE = {"heartbeat", "videoloss"}


def read(body: bytes, content_type: str) -> list[Event]:
    alert = _parsed(_xml_of(body, content_type))
    kind = _text(alert, "eventType").lower()
    if kind == "anpr":
        return [_sighting(alert)]
    return [_sign_of_life(alert)] if kind in SIGNS_OF_LIFE and _text(alert, "eventState") == "inactive" else []


def reply(*, opens: bool, sentence: str) -> tuple[bytes, str]:
    """The camera looks at nothing but the status; a controller behind it may read whether to open."""
    status = Element("ResponseStatus", version="2.0", xmlns=NAMESPACE)
    for name, value in (
        ("requestURL", "/"),
        ("statusCode", "1"),
        ("statusString", "OK"),
        ("subStatusCode", "open" if opens else "shut"),
        ("description", sentence),
    ):
        SubElement(status, name).text = value
    return tostring(status, encoding="utf-8", xml_declaration=True), "application/xml"


def says_open(reply_body: bytes) -> bool:
    return _text(_parsed(reply_body, root="ResponseStatus"), "subStatusCode") == "open"


def _xml_of(body: bytes, content_type: str) -> bytes:
    if not is_multipart(content_type):
        return body
    for part in parts_of(body, content_type):
        if not part.is_image and part.content.lstrip()[:1] == b"<":
            return part.content
    raise Unreadable(_("None of the parts of the message is XML."))


def _parsed(xml: bytes, *, root: str = "EventNotificationAlert") -> Element:
    """No entities, no document types: what would need them is no camera's message."""
    if len(xml) > MOST_XML:
        raise Unreadable(_("The message is too long."))
    try:
        found: Element = fromstring(_readable(xml.strip(b" \r\n\t\x00")), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(_("The message is no valid XML.")) from error
    if _name(found) != root:
        raise Unreadable(_("This is no EventNotificationAlert message."))
    return found


def _readable(xml: bytes) -> bytes:
    """The parser knows no Chinese encoding but UTF-8: what says that it is in another one is written anew."""
    says_gb = _SAYS_GB.match(xml)
    return xml if says_gb is None else xml[says_gb.end() :].decode("gb18030").encode()


def _sighting(alert: Element) -> Event:
    anpr = _child(alert, "ANPR")
    if anpr is None:
        raise Unreadable(_("The message names no plate, not even an unknown one."))
    plate = plate_of(_text(anpr, "licensePlate"))
    unit, uuid, happened = _unit(alert), _text(alert, "UUID") or _text(alert, "uuid"), _text(alert, "dateTime")
    channel = _text(alert, "channelID")
    return Event(
        source_key=f"{unit}:{uuid}" if uuid else f"{unit}:{channel}:{happened}:{plate_mark(plate)}",
        kind=Kind.PASS,
        device=unit if channel in {"", "0", "1"} else f"{unit}/{channel}",
        reported_at=instant(happened),
        plate=plate,
        plate_colour=colour(_text(anpr, "plateColor")),
        confidence=share(_text(anpr, "confidenceLevel"), of=100),
        is_towards=DIRECTIONS.get(_text(anpr, "direction").lower()),
    )


def _sign_of_life(alert: Element) -> Event:
    unit, happened = _unit(alert), _text(alert, "dateTime")
    return Event(
        source_key=f"{unit}:heartbeat:{happened}", kind=Kind.HEARTBEAT, device=unit, reported_at=instant(happened)
    )


def _unit(alert: Element) -> str:
    return (_text(alert, "macAddress") or _text(alert, "deviceID") or _text(alert, "ipAddress")).lower()


def _text(element: Element, name: str) -> str:
    child = _child(element, name)
    return (child.text or "").strip() if child is not None else ""


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
