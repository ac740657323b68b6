"""Is this process alive, and is it ready: for supervisors and load balancers, without words for people."""

from celery import current_app
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from parking_share.bells import unheard


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 with the database in order, else 503. Without the broker the site works, only slower: `degraded`."""
    database = _database()
    broker = _broker()
    is_ready = database == "ok"
    state = "unready" if not is_ready else "ok" if broker == "ok" else "degraded"
    found = {"state": state, "database": database, "broker": broker, "unheard_bells": unheard.count}
    return JsonResponse(found, status=200 if is_ready else 503)


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "away"
    return "migrations missing" if waiting else "ok"


def _broker() -> str:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError):
        return "away"
    return "ok"
