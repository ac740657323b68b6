"""Texts that a spreadsheet would run as formulas: made harmless on the way out, and themselves again on the way in."""

STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def guarded(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it, or where one would be taken off again."""
    return f"'{text}" if text.lstrip("' ").startswith(STARTS) else text


def unguarded(text: str) -> str:
    """The inverse of `guarded`; a text that was never guarded keeps its apostrophe unless a formula follows it."""
    return text[1:] if text.startswith("'") and text[1:].lstrip("' ").startswith(STARTS) else text
