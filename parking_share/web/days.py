"""Days that an address names."""

from datetime import date, datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date


def day_asked_for(request: HttpRequest, *, now: datetime) -> date:
    """The local day of the address where it is one, else today."""
    try:
        found = parse_date(request.GET.get("day", ""))
    except ValueError:
        found = None
    today = timezone.localdate(now, timezone.get_default_timezone())
    return found if found is not None and 2000 <= found.year <= 2100 else today
