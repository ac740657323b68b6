"""What kind of day a date is, in the calendar of a region."""

from collections.abc import Mapping
from datetime import date

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models.functions import JSONArray
from django.utils.translation import gettext_lazy as _

from parking_share.spaces.models import CalendarDay, DayType


class Weekday(models.IntegerChoices):
    """ISO weekdays, as share rules count them."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


DEFAULT_REGION = "CN"
_REGION_OF_ZONE = {"Asia/Shanghai": "CN", "Asia/Urumqi": "CN"}


def region_of(time_zone: str) -> str:
    """The calendar that a lot follows; a zone outside China has its own, empty until somebody fills it."""
    return _REGION_OF_ZONE.get(time_zone, time_zone)


def weekdays_by_date(*, region: str, first: date, last: date) -> dict[date, int]:
    """The dates in [first, last] that act as another weekday than their own."""
    return dict(CalendarDay.objects.filter(region=region, date__range=(first, last)).values_list("date", "acts_as"))


def special_days(*, region: str, first: date, last: date) -> ArraySubquery:
    """The same as pairs of a date and a weekday, to come along with rows of another query."""
    days = CalendarDay.objects.filter(region=region, date__range=(first, last)).order_by("date")
    return ArraySubquery(days.values(pair=JSONArray("date", "acts_as")))


def day_type(day: date, acts_as: Mapping[date, int]) -> DayType:
    return DayType.DAY_OFF if acts_as.get(day, day.isoweekday()) >= 6 else DayType.WORKDAY
