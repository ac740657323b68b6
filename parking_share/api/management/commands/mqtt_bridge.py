import os
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from parking_share.api.mqtt import Bridge, Route

TOPICS = "device/+/message/up/#"


class Command(BaseCommand):
    help = (
        "Post what devices publish to an MQTT broker to this site. The addresses hold secrets, so they come from the "
        "environment: MQTT_URL (mqtt://user:password@host:1883, or mqtts://) and MQTT_PUSH_URL (the gateway's own "
        "address, https://…/api/v1/sensors/push/<secret>)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--topic", action="append", help=f"what to listen to; repeat for more (usually {TOPICS})")
        parser.add_argument(
            "--client-id",
            default="parking-share-bridge",
            help="under which the broker keeps what was not delivered yet; each running bridge needs its own",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            route = Route(
                broker=os.environ.get("MQTT_URL", ""),
                push=os.environ.get("MQTT_PUSH_URL", ""),
                topics=tuple(options["topic"] or (TOPICS,)),
                client_id=options["client_id"],
            )
        except ValueError as error:
            raise CommandError(f"{error} Set MQTT_URL and MQTT_PUSH_URL.") from error
        bridge = Bridge(route)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, bridge.stop)
        bridge.run()
