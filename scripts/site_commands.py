"""The commands that prepare the demo's data and run its site."""

import sys

from scripts.demo_settings import WebAddress
from scripts.places import DEMO

MANAGE = (sys.executable, "manage.py")
CELERY = (sys.executable, "-m", "celery", "-A", "parking_share")
QUEUES = "decide,fulfilment,sensors,coverage,default"

# label, command, whether its own progress bar is shown; every one may be run again
STEPS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("Compiling translations", (sys.executable, "-m", "scripts.translations", "compile"), False),
    ("Updating the database", (*MANAGE, "migrate", "--noinput"), False),
    ("Making the cache table", (*MANAGE, "createcachetable"), False),
    ("Collecting static files", (*MANAGE, "collectstatic", "--noinput"), False),
    ("Building the city", (*MANAGE, "seed_demo"), True),
    ("Drawing the city's map of the last day", (*MANAGE, "backfill_coverage"), True),
)
LOGINS = (*MANAGE, "demo_logins")


def site_commands(web: WebAddress) -> dict[str, tuple[str, ...]]:
    """The site's processes by name, in the order of their start."""
    return {
        "web": (
            sys.executable, "-m", "gunicorn", "parking_share.wsgi:application", "--bind", web.bind,
            "--worker-class", "gthread", "--workers", "2", "--threads", "4",
            "--graceful-timeout", "3", "--access-logfile", "-", "--no-control-socket",
        ),
        "worker": (
            *CELERY, "worker", "--queues", QUEUES, "--concurrency", "2", "--without-gossip", "--without-mingle",
        ),
        "beat": (*CELERY, "beat", "--schedule", str(DEMO / "beat-schedule"), "--pidfile="),
        "city": (*MANAGE, "simulate_city", "--hours", "0", "--site", web.url.rstrip("/")),
    }  # fmt: skip
