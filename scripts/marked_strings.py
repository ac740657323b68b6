"""The strings that code, templates and scripts mark for translation, found with Babel."""

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract
from django.utils.translation.template import templatize

from scripts.places import ROOT
from scripts.translations import Key

KEYWORDS = {
    name: places
    for names, places in (
        (("_", "gettext", "gettext_lazy", "gettext_noop"), None),
        (("ngettext", "ngettext_lazy"), (1, 2)),
        (("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
        (("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
    )
    for name in names
}
TEMPLATES = (".html", ".txt")
SCRIPTS = (".js", ".mjs")
NOT_OURS = ("tests/", "scripts/", "benchmarks/", "docs/")


def marked_for(domain: str) -> dict[Key, list[str]]:
    """Every marked string of a domain (`django` or `djangojs`) with the files that use it."""
    found: dict[Key, list[str]] = {}
    for path in _files(domain):
        for key in _marked_in(path):
            used_in = found.setdefault(key, [])
            if str(path) not in used_in:
                used_in.append(str(path))
    return found


def _files(domain: str) -> Iterator[Path]:
    wanted = SCRIPTS if domain == "djangojs" else (".py", *TEMPLATES)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        path = Path(name)
        is_ours = not name.startswith(NOT_OURS) and (path.suffix != ".txt" or "templates" in path.parts)
        if is_ours and path.suffix in wanted and (ROOT / path).is_file():
            yield path


def _marked_in(path: Path) -> Iterator[Key]:
    text = (ROOT / path).read_text()
    if path.suffix in TEMPLATES:
        text = templatize(text, origin=str(path))
    method = "javascript" if path.suffix in SCRIPTS else "python"
    for _line, message, _comments, context in extract(method, io.BytesIO(text.encode()), keywords=KEYWORDS):
        texts = (message,) if isinstance(message, str) else message
        if texts[0]:
            yield (context or "", texts[0], texts[1] if len(texts) > 1 and texts[1] else "")
