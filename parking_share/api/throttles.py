"""Courtesy limits. What must hold is a row in PostgreSQL; these only keep one caller from crowding out the others."""

import hashlib
from typing import Any

from django.core.cache import cache, caches
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

MOST_FAILURES, FAILURES_COUNT_FOR_S = 5, 300


class SearchThrottle(SimpleRateThrottle):
    """Searches of strangers, by address, counted in each process for itself."""

    scope = "search"
    cache = caches["process"]

    def get_cache_key(self, request: Request, _view: Any) -> str | None:
        return None if request.user.is_authenticated else f"search:{self.get_ident(request)}"


class TokenThrottle(SimpleRateThrottle):
    """Attempts to get a token, by address, counted for all processes."""

    scope = "tokens"

    def get_cache_key(self, request: Request, _view: Any) -> str:
        return f"tokens:{self.get_ident(request)}"


class LoginFailures:
    """Wrong passwords for one login, from any address, counted for all processes."""

    def __init__(self, login: str) -> None:
        self._key = "login-failures:" + hashlib.sha256(login.strip().lower().encode()).hexdigest()

    def refuse_when_too_many(self) -> None:
        if cache.get(self._key, 0) >= MOST_FAILURES:
            raise Throttled(wait=FAILURES_COUNT_FOR_S)

    def add_one(self) -> None:
        cache.set(self._key, cache.get(self._key, 0) + 1, FAILURES_COUNT_FOR_S)

    def forget(self) -> None:
        cache.delete(self._key)
