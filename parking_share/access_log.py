"""The web server's own log of requests, without secrets. `gunicorn.conf.py` names this class."""

from typing import Any

from gunicorn.glogging import Logger

from parking_share.hidden import hide_secrets


class AccessLog(Logger):  # type: ignore[misc]
    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return {name: hide_secrets(value) if isinstance(value, str) else value for name, value in found.items()}
