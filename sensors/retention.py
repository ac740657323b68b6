"""What is forgotten, and when; what was deleted is written down. Times come from the settings (`parking_share.kept`).

Everything goes in portions, each a transaction with its own record, so that no deletion makes anybody wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Coalesce, Greatest, Least

from sensors.models import Deletion, PlateRead, RawMessage, Stay

AT_ONCE, PORTIONS = 5_000, 200
QUARANTINE_IS_SHOWN = timedelta(days=30)
NO_BODY = b""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What goes, after how long, and the function that forgets one portion of what is older than an instant."""

    what: str
    kept: timedelta
    forget: Callable[[datetime], int]


def forget(*, now: datetime) -> dict[str, int]:
    """Forget all that is old enough, and count it. Safe to run twice: what is gone is gone."""
    counts = {rule.what: _follow(rule, now=now) for rule in rules()}
    log.info("forgotten", **counts)
    return counts


def keep_plate(plate_read_id: int, *, until: datetime | None = None) -> bool:
    """Keep a plate that matched something as long as matched plates are kept, or shorter; say whether it is there."""
    longest = ExpressionWrapper(F("observed_at") + settings.MATCHED_PLATES_KEPT, output_field=DateTimeField())
    wanted = longest if until is None else Least(longest, until)
    return PlateRead.objects.filter(pk=plate_read_id).update(forget_at=Greatest("forget_at", wanted)) == 1


def rules() -> list[Rule]:
    return [
        Rule(what="raw messages", kept=settings.RAW_MESSAGES_KEPT, forget=_raw_messages),
        Rule(what="bodies of quarantined messages", kept=settings.RAW_MESSAGES_KEPT, forget=_quarantined_bodies),
        Rule(what="quarantined messages", kept=QUARANTINE_IS_SHOWN, forget=_quarantined_messages),
        Rule(what="plates read, at their time", kept=timedelta(0), forget=_plates_due),
        Rule(what="plates read", kept=settings.MATCHED_PLATES_KEPT, forget=_plates),
        Rule(what="plates of stays", kept=settings.MATCHED_PLATES_KEPT, forget=_plates_of_stays),
        Rule(what="known keys", kept=settings.KNOWN_KEYS_KEPT, forget=_known_keys),
    ]


def _follow(rule: Rule, *, now: datetime) -> int:
    return sum(takewhile(bool, (_portion(rule, now=now) for _ in range(PORTIONS))))


@transaction.atomic
def _portion(rule: Rule, *, now: datetime) -> int:
    older_than = now - rule.kept
    rows = rule.forget(older_than)
    if rows:
        record_deletion(rule.what, kept=rule.kept, rows=rows, now=now)
    return rows


def record_deletion(what: str, *, kept: timedelta, rows: int, now: datetime) -> None:
    """Write down what was deleted, by which rule."""
    Deletion.objects.create(what=what, rule=_in_words(kept), rows=rows, older_than=now - kept, deleted_at=now)


def _in_words(kept: timedelta) -> str:
    hours = kept // timedelta(hours=1)
    if not hours:
        return "at its time"
    if hours % 24 or hours <= 48:
        return f"after {hours} hours"
    return f"after {hours // 24} days"


def _raw_messages(older_than: datetime) -> int:
    """Those that were read or put aside. A message that nobody has read yet is work, not history."""
    done = RawMessage.objects.filter(
        received_at__lt=older_than, state__in=[RawMessage.State.READ, RawMessage.State.DISMISSED]
    )
    return RawMessage.objects.filter(pk__in=done.values("pk")[:AT_ONCE]).delete()[0]


def _quarantined_bodies(older_than: datetime) -> int:
    """That there was trouble stays visible, what was sent does not."""
    old = RawMessage.objects.filter(received_at__lt=older_than, state=RawMessage.State.QUARANTINED)
    full = old.exclude(body_encrypted=NO_BODY).values("pk")[:AT_ONCE]
    return RawMessage.objects.filter(pk__in=full).update(body_encrypted=NO_BODY)


def _quarantined_messages(older_than: datetime) -> int:
    old = RawMessage.objects.filter(received_at__lt=older_than, state=RawMessage.State.QUARANTINED)
    return RawMessage.objects.filter(pk__in=old.values("pk")[:AT_ONCE]).delete()[0]


def _plates_due(now: datetime) -> int:
    return _delete_plates(Q(forget_at__lte=now))


def _plates(older_than: datetime) -> int:
    """Whatever their rows say: so a setting that was made shorter holds for plates that are there already."""
    return _delete_plates(Q(observed_at__lt=older_than))


def _delete_plates(condition: Q) -> int:
    due = PlateRead.objects.filter(condition).values("pk")[:AT_ONCE]
    return PlateRead.objects.filter(pk__in=due).delete()[1].get(PlateRead._meta.label, 0)


def _plates_of_stays(older_than: datetime) -> int:
    """The stay remains, without saying whose. One without an end counts from its beginning: its exit was missed."""
    over = Stay.objects.alias(last_at=Coalesce("ended_at", "began_at")).filter(last_at__lt=older_than)
    known = over.filter(plate_exact_hash__isnull=False, began_at__lt=older_than).values("pk")[:AT_ONCE]
    return Stay.objects.filter(pk__in=known).update(plate_exact_hash=None)


def _known_keys(older_than: datetime) -> int:
    query = """
        DELETE FROM sensors_knownkey WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM sensors_knownkey WHERE received_at < %s LIMIT %s
        ))
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [older_than, AT_ONCE])
        return int(cursor.rowcount)
