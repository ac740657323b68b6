"""Pages as PDF, where the machine has what that takes: the library Pango and a font with Chinese characters."""

import shutil
import subprocess
from functools import cache
from typing import Any

from django.contrib.staticfiles import finders
from django.utils.translation import gettext as _

from parking_share.errors import DomainError

STYLE = "web/report.css"


class PrintingRefused(DomainError):
    """This machine can't print; the sentence says what it lacks."""

    code = "printing_refused"


def as_pdf(html: str) -> bytes:
    """The page as a document, its fonts embedded. Nothing is fetched: neither from the network nor from the disk."""
    weasyprint = _library()
    if not _has_chinese_font():
        raise PrintingRefused(
            _(
                "No PDF can be made here: a font with Chinese characters is missing. Install one (Debian:"
                " fonts-noto-cjk), or take the workbook."
            )
        )
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=())
    sheet = weasyprint.CSS(string=_style(), url_fetcher=fetcher)
    document: bytes = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf(stylesheets=[sheet])
    return document


def _library() -> Any:
    """WeasyPrint, imported when it is needed: it takes half a second and fails without Pango."""
    try:
        import weasyprint  # noqa: PLC0415 -- the site starts on machines without Pango
    except (ImportError, OSError) as error:
        raise PrintingRefused(
            _(
                "No PDF can be made here: the library Pango is missing. Install it (Debian: libpango-1.0-0"
                " libpangoft2-1.0-0), or take the workbook."
            )
        ) from error
    return weasyprint


@cache
def _has_chinese_font() -> bool:
    """Pango brings fontconfig; its list says whether any font has Chinese characters."""
    lister = shutil.which("fc-list")
    if lister is None:
        return False
    listed = subprocess.run([lister, ":lang=zh-cn", "family"], capture_output=True, timeout=20, check=False)  # noqa: S603 -- fixed words
    return bool(listed.stdout.strip())


@cache
def _style() -> str:
    found = finders.find(STYLE)
    if not isinstance(found, str):
        raise FileNotFoundError(STYLE)
    with open(found, encoding="utf-8") as sheet:  # noqa: PTH123 -- a name from the finder
        return sheet.read()
