from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from parking_share.reservations.states import ALLOWED, CHANGES_THE_HOLD, HOLDS_A_SPACE, MEANING, Status


class Command(BaseCommand):
    help = "Print docs/states.md: the life of a reservation, from the transition table."

    def handle(self, *_args: Any, **_options: Any) -> None:
        with translation.override("en"):
            self.stdout.write("\n".join(_lines()))


def _lines() -> Iterator[str]:
    yield "# The life of a reservation"
    yield ""
    yield "Generated from `parking_share/reservations/states.py` by `./run generate`; change the table there."
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> REQUESTED"
    for current, following in ALLOWED.items():
        for wanted in sorted(following):
            yield f"    {current} --> {wanted}"
        if not following:
            yield f"    {current} --> [*]"
    yield "```"
    yield ""
    yield "| status | shown as | holds a space | what it means | may become |"
    yield "|---|---|---|---|---|"
    for status in Status:
        holds = "yes" if status in HOLDS_A_SPACE else ""
        following_names = ", ".join(sorted(ALLOWED[status])) or "–"
        yield f"| {status} | {status.label} | {holds} | {MEANING[status]} | {following_names} |"
    yield ""
    yield "What keeps the status and changes the hold alone:"
    yield ""
    yield "| reason | as people read it |"
    yield "|---|---|"
    for reason in sorted(CHANGES_THE_HOLD):
        yield f"| {reason} | {reason.label} |"
