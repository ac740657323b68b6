"""From an MQTT broker to our own door: what a device publishes is posted as it is, and acknowledged once we have it.

The broker keeps what we have not acknowledged (QoS 1, a session that lasts), so nothing is kept here: while the site is
away the bridge stands still, and whatever is delivered twice is known by its key.
"""

import http.client
import ssl
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
PATIENCE_S = 10
KEEP_ALIVE_S = 30
PORTS = {"mqtt": 1883, "mqtts": 8883}
NEVER_TAKEN = {400, 413}  # the same message would be refused again and again
JSON = "application/json"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Route:
    """From where to where; both addresses hold secrets and are never logged."""

    broker: str
    topics: tuple[str, ...]
    push: str
    client_id: str

    def __post_init__(self) -> None:
        if urlsplit(self.broker).scheme not in PORTS or not urlsplit(self.broker).hostname:
            raise ValueError("The broker's address begins with mqtt:// or mqtts:// and names a host.")
        if urlsplit(self.push).scheme not in {"http", "https"} or not urlsplit(self.push).hostname:
            raise ValueError("The address to post to begins with http:// or https:// and names a host.")
        if not self.topics:
            raise ValueError("Name at least one topic.")


class Bridge:
    """One connection to a broker; messages go one after the other, in the order in which they come."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._ended = threading.Event()
        self._client = _client(route)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._carry

    def run(self) -> None:
        """Carry until `stop` is called; connect again whenever the broker comes back."""
        place = urlsplit(self._route.broker)
        port = place.port or PORTS[place.scheme]
        self._client.connect_async(str(place.hostname), port, keepalive=KEEP_ALIVE_S)
        self._client.loop_forever(retry_first_connection=True)

    def stop(self, *_signal: object) -> None:
        self._ended.set()
        self._client.disconnect()

    def _subscribe(
        self, client: Client, _data: Any, flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            log.error("broker_refuses", reason=str(code))
            return
        log.info("broker_connected", session_present=flags.session_present)
        client.subscribe([(topic, 1) for topic in self._route.topics])

    def _carry(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        """Post until somebody takes it, then acknowledge. Standing still here holds up nothing but this bridge."""
        pause = FIRST_PAUSE_S
        while not self._ended.is_set():
            status = self._post(bytes(message.payload))
            if status is not None and (status < 300 or status in NEVER_TAKEN):
                if status >= 300:
                    log.error("message_refused", status=status, bytes=len(message.payload))
                client.ack(message.mid, message.qos)
                return
            log.warning("message_waits", status=status, pause_s=pause)
            self._ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _post(self, body: bytes) -> int | None:
        """The status of the reply; None where there was none."""
        place = urlsplit(self._route.push)
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        line = kind(str(place.hostname), place.port, timeout=PATIENCE_S)
        try:
            line.request("POST", place.path, body, {"Content-Type": JSON})
            reply = line.getresponse()
            reply.read()
            return reply.status
        except (OSError, http.client.HTTPException) as error:
            log.warning("site_away", error=type(error).__name__)
            return None
        finally:
            line.close()


def _client(route: Route) -> Client:
    place = urlsplit(route.broker)
    client = Client(CallbackAPIVersion.VERSION2, client_id=route.client_id, clean_session=False, manual_ack=True)
    client.reconnect_delay_set(min_delay=1, max_delay=round(LONGEST_PAUSE_S))
    if place.username:
        client.username_pw_set(unquote(place.username), unquote(place.password or ""))
    if place.scheme == "mqtts":
        client.tls_set_context(ssl.create_default_context())
    return client
