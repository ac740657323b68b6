"""What beat rings for, and when: the platform's whole timetable."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab

_TIMETABLE: dict[str, dict[str, Any]] = {
    "sweep": {"task": "allocation.sweep", "schedule": timedelta(seconds=10), "options": {"expires": 10}},
    "assign": {"task": "allocation.assign_due", "schedule": timedelta(seconds=30), "options": {"expires": 30}},
    "notices": {"task": "notices.tell", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "mail": {"task": "notices.mail", "schedule": timedelta(seconds=15), "options": {"expires": 15}},
    "windows": {"task": "spaces.materialise_all", "schedule": crontab(minute=7, hour="*/6")},
    "roll_up": {"task": "sensors.roll_up", "schedule": timedelta(seconds=60), "options": {"expires": 60}},
    "profiles": {"task": "sensors.learn_profiles", "schedule": crontab(minute=11, hour=19)},
    "demand": {"task": "allocation.learn_demand", "schedule": crontab(minute=41, hour=19)},
    "laboratory": {
        "task": "allocation.continue_lab_runs",
        "schedule": timedelta(seconds=60),
        "options": {"expires": 60},
    },
    "months": {"task": "sensors.tend_months", "schedule": crontab(minute=31, hour="*/6")},
    "retention": {"task": "sensors.forget", "schedule": crontab(minute=13)},
    "plates": {"task": "reservations.forget_plates", "schedule": crontab(minute=41, hour=3)},
    "coverage": {"task": "coverage.attend", "schedule": timedelta(minutes=1), "options": {"expires": 60}},
    "pictures": {"task": "coverage.thin_out", "schedule": crontab(minute=51, hour=4)},
    "snapshots": {"task": "allocation.forget_snapshots", "schedule": crontab(minute=37, hour=4)},
    "keys": {"task": "reservations.forget_old_keys", "schedule": crontab(minute=23)},
    "response_imports": {
        "task": "surveys.continue_imports",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "response_drafts": {"task": "surveys.forget_drafts", "schedule": crontab(minute=53, hour=3)},
    "messages": {"task": "sensors.read_waiting", "schedule": timedelta(seconds=10), "options": {"expires": 10}},
    "outbox": {"task": "fulfilment.outbox", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "intruders": {"task": "fulfilment.forget_intruders", "schedule": crontab(minute=17, hour=3)},
    "overstays": {"task": "fulfilment.overstays", "schedule": timedelta(seconds=60), "options": {"expires": 60}},
    "compare": {"task": "fulfilment.discrepancies", "schedule": timedelta(seconds=30), "options": {"expires": 30}},
}


def timetable(*, clock_speed: float) -> dict[str, dict[str, Any]]:
    """The schedule for a clock of this speed: intervals are the platform's time, at most one bell a second."""
    if clock_speed <= 1:
        return _TIMETABLE
    return {
        name: job | {"schedule": max(job["schedule"] / clock_speed, timedelta(seconds=1))}
        if isinstance(job["schedule"], timedelta)
        else job
        for name, job in _TIMETABLE.items()
    }
