"""Periods as forms give them: local times of a place, or instants in a link."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

QUARTER = timedelta(minutes=15)
USUAL_STAY = timedelta(hours=2)
LONGEST_PERIOD = timedelta(days=31)  # what one may ask about: a price is the sum over local hours


class LocalTimeField(forms.Field):
    """A date and time without a zone, or with one where it comes from a link of ours."""

    default_error_messages = {
        "invalid": _("Choose a date and a time."),
        "required": _("Choose a date and a time."),
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", LocalTimeInput())
        super().__init__(**options)

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            found = parse_datetime(str(value).strip())
        except ValueError:
            found = None
        if found is None or not 2000 <= found.year <= 2100:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return found

    def prepare_value(self, value: Any) -> Any:
        return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value


class LocalTimeInput(forms.DateTimeInput):
    """The browser's own picker, in quarters of an hour."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"step": 900}, format="%Y-%m-%dT%H:%M")


def in_zone(given: datetime, zone: ZoneInfo) -> datetime:
    """The instant meant by a local time of the zone; an hour that a change of clocks repeats is its first.

    In UTC, because Python compares and subtracts two times of the same zone by their wall clocks.
    """
    return (given.replace(tzinfo=zone) if given.tzinfo is None else given).astimezone(UTC)


def next_quarter(now: datetime, zone: ZoneInfo) -> datetime:
    """The next full quarter of an hour on the clock of the zone."""
    local = now.astimezone(zone).replace(second=0, microsecond=0)
    return local - timedelta(minutes=local.minute % 15) + QUARTER
