"""Serve chosen files of the installed npm packages as static files, without copying them into the repository."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage, Storage


class _PackageStorage(FileSystemStorage):
    """Reads a static name from the place where npm put the file."""

    def path(self, name: str) -> str:
        return str(settings.NODE_MODULES / settings.FRONTEND_FILES[Path(name).as_posix()])


class FrontendFinder(BaseFinder):
    storage = _PackageStorage(location=settings.NODE_MODULES)

    def check(self, **_options: Any) -> list[CheckMessage]:
        missing = [name for name in settings.FRONTEND_FILES if not Path(self.storage.path(name)).is_file()]
        return [Error(f"{name} is missing; run `npm ci`.", id="parking_share.E001") for name in missing]

    def find(self, path: str, find_all: bool = False, **_options: Any) -> Any:
        known = path in settings.FRONTEND_FILES
        found = self.storage.path(path) if known else None
        return ([found] if found else []) if find_all else (found or [])

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        for name in settings.FRONTEND_FILES:
            if not matches_patterns(name, ignore_patterns):
                yield name, self.storage
