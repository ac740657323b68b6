"""How long things are kept: a part of the settings. Sooner is a setting, later needs a written reason."""

from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from environ import Env

_env = Env()
_REASON = _env.str("KEPT_LONGER_BECAUSE", default="").strip()


def _kept(name: str, *, usual: int, least: int = 1) -> int:
    value: int = _env.int(name, default=usual)
    if value < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}, not {value}.")
    if value > usual and not _REASON:
        raise ImproperlyConfigured(f"{name} is more than {usual}; write the reason into KEPT_LONGER_BECAUSE.")
    return value


RAW_MESSAGES = timedelta(hours=_kept("RAW_MESSAGES_KEPT_HOURS", usual=24))
UNMATCHED_PLATES = timedelta(hours=_kept("UNMATCHED_PLATES_KEPT_HOURS", usual=24))
MATCHED_PLATES = timedelta(days=_kept("MATCHED_PLATES_KEPT_DAYS", usual=30))
KNOWN_KEYS = timedelta(days=_kept("KNOWN_KEYS_KEPT_DAYS", usual=40, least=36))  # events are believed for 35 days
READINGS_MONTHS = _kept("READINGS_KEPT_MONTHS", usual=13, least=2)
