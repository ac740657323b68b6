"""The Celery application: tasks are found in the `tasks` module of every installed app."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parking_share.settings")

app = Celery("parking_share")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_signal: object) -> None:
    """Stop Celery from replacing the structured logging that settings configured."""


@worker_process_init.connect
def start_without_inherited_connections(**_signal: object) -> None:
    """Close what a forked worker inherited: two processes on one connection corrupt each other."""
    from django.db import connections  # noqa: PLC0415 -- Django is not set up when this module is imported

    connections.close_all()
