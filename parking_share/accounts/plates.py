"""Number plates: one spelling, one shape, one secret.

A plate is personal data. It is stored encrypted (AES-GCM) and found by two keyed hashes: an exact one, and one in which
characters that cameras confuse are folded into one.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.conf import settings
from django.utils.translation import gettext as _

from parking_share.errors import DomainError

LONGEST_PLATE = 10
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTER, _SIGN = "A-HJ-NP-Z", "A-HJ-NP-Z0-9"
_SHAPES = {
    "ordinary": f"[{PROVINCES}][{_LETTER}][{_SIGN}]{{5}}",
    "new_energy_small": f"[{PROVINCES}][{_LETTER}][A-HJK][{_SIGN}][0-9]{{4}}",
    "new_energy_large": f"[{PROVINCES}][{_LETTER}][0-9]{{5}}[A-HJK]",
    "official": f"[{PROVINCES}][{_LETTER}][{_SIGN}]{{4}}[学挂警]",
    "cross_border": f"粤Z[{_SIGN}]{{4}}[港澳]",
    "embassy": f"使[0-9]{{6}}|[0-9]{{6}}使|[{PROVINCES}][A-Z][0-9]{{4}}领",
    "special": f"WJ[{PROVINCES}]?[0-9]{{4}}[0-9A-Z]|[A-Z]{{2}}[0-9]{{5}}|(?:民航|临)[{_SIGN}]{{3,7}}",
    "elsewhere": f"[A-Z0-9]{{2,{LONGEST_PLATE}}}",
}
_SEPARATORS = re.compile(r"[\s·•.\-_‧・]+")
_CONFUSABLE = str.maketrans({"D": "0", "O": "0", "Q": "0", "B": "8", "Z": "2", "S": "5", "I": "1", "L": "1"})
_CIPHER_VERSION, _NONCE_BYTES = b"\x01", 12


class PlateRefused(DomainError):
    code = "plate_not_recognised"


def normalise_plate(text: str) -> str:
    """Return the one spelling of a plate, whatever its shape: NFKC, upper case, no separators.

    Repeated until nothing changes: what stood apart may compose once a separator is gone.
    """
    before = None
    while text != before:
        before, text = text, _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).upper())
    return text


def plate_shape(plate: str) -> str | None:
    """Name the kind of a normalised plate, or None where no known shape fits."""
    return next((name for name, shape in _SHAPES.items() if re.fullmatch(shape, plate)), None)


def parse_plate(text: str) -> str:
    """Return the normalised plate a person typed, or refuse what no authority would issue."""
    plate = normalise_plate(text)
    if plate_shape(plate) is None:
        raise PlateRefused(
            _("“%(text)s” does not look like a number plate. Type it as it stands on the car, for example 粤B12345.")
            % {"text": text.strip()[:20]}
        )
    return plate


def fold_plate(plate: str) -> str:
    """Fold the characters that cameras confuse: 0DOQ, 8B, 2Z, 5S, 1IL."""
    return plate.translate(_CONFUSABLE)


def exact_hash(plate: str) -> bytes:
    """Keyed hash (32 bytes) by which a normalised plate is found."""
    return _keyed_hash(b"plate exact", plate)


def folded_hash(plate: str) -> bytes:
    """Keyed hash (32 bytes) shared by all plates that a camera may confuse with this one."""
    return _keyed_hash(b"plate folded", fold_plate(plate))


def encrypt_plate(plate: str) -> bytes:
    """Version byte, nonce, AES-GCM text. Twice the same plate gives two different results."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _CIPHER_VERSION + nonce + AESGCM(_key(b"plate cipher")).encrypt(nonce, plate.encode(), _CIPHER_VERSION)


def decrypt_plate(blob: bytes) -> str:
    """Undo `encrypt_plate`; raises InvalidTag for a changed text or another key."""
    version, nonce, text = blob[:1], blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
    return AESGCM(_key(b"plate cipher")).decrypt(nonce, text, version).decode()


def mask_plate(plate: str) -> str:
    """What screens show: 粤B••345. Enough to know one's own car, too little to know another's."""
    shown_before, shown_after = (2, 3) if len(plate) > 5 else (1, 1)
    hidden = len(plate) - shown_before - shown_after
    return plate[:shown_before] + "•" * hidden + plate[len(plate) - shown_after :] if hidden > 0 else "•" * len(plate)


def _keyed_hash(purpose: bytes, text: str) -> bytes:
    return hmac.new(_key(purpose), text.encode(), hashlib.sha256).digest()


def _key(purpose: bytes) -> bytes:
    return _derived_key(settings.PLATE_KEY, purpose)


@lru_cache(maxsize=16)
def _derived_key(secret: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=32, info=purpose).derive(secret)
