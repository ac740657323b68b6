"""Read JSON strictly: what a database could not store, or what costs too much to read, is refused here with 400."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from parking_share.api.refusals import TooLarge

MOST_BYTES = 1_000_000
DEEPEST = 20
LARGEST_NUMBER = 2**53


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], _media_type: str | None = None, _parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the document; ParseError for what is no JSON or holds what no field can take."""
        raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise TooLarge(_("The body is larger than %(n)s bytes.") % {"n": MOST_BYTES})
        try:
            document = json.loads(raw.decode(), parse_constant=_refuse_constant)
        except RecursionError as error:
            raise ParseError(_("The body is nested too deeply.")) from error
        except ValueError as error:
            raise ParseError(_("The body is no valid JSON in UTF-8.")) from error
        _check(document)
        return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check(document: Any) -> None:
    """Walk the document without recursion."""
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise ParseError(_("The body is nested too deeply."))
        match value:
            case dict():
                waiting += [(part, depth + 1) for pair in value.items() for part in pair]
            case list():
                waiting += [(part, depth + 1) for part in value]
            case str():
                _check_text(value)
            case bool():
                pass
            case int() | float():
                _check_number(value)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError(_("Texts can't hold the character U+0000."))
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError(_("Texts can't hold half of a surrogate pair."))


def _check_number(number: float) -> None:
    if not math.isfinite(number) or abs(number) > LARGEST_NUMBER:
        raise ParseError(_("A number is too large."))
