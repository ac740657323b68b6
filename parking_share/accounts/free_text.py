"""What people type into notes: plates in it are masked before it is kept, for notes outlive plates."""

import re

from parking_share.accounts.plates import PROVINCES, mask_plate, normalise_plate

_APART = r"[\s·•.\-_‧・]*"
_SIGN = "[A-Za-z0-9Ａ-Ｚａ-ｚ０-９]"
_EIGHTH = f"(?:{_SIGN}|{_APART}[0-9](?!{_SIGN}))?"  # apart from the others it may be the word that follows
_PLATE = re.compile(
    f"[{PROVINCES}]{_APART}[A-Za-zＡ-Ｚａ-ｚ](?:{_APART}{_SIGN}){{4,5}}{_EIGHTH}(?:{_APART}[学挂警港澳领])?"
)
_FEWEST_DIGITS = 2  # what has fewer is a word


def without_plates(text: str) -> str:
    """Mask what looks like a Chinese number plate, however it is spaced; others can't be told from other words."""
    return _PLATE.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    plate = normalise_plate(found[0])
    return mask_plate(plate) if sum(sign.isdigit() for sign in plate) >= _FEWEST_DIGITS else found[0]
