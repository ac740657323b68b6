"""What must be kept whole and read by nobody else: raw messages, and the secrets of gateways that sign."""

import secrets
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.conf import settings

MESSAGE, SECRET = b"raw message", b"gateway secret"  # what is sealed for one purpose opens for no other
_VERSION, _NONCE_BYTES = b"\x01", 12


def seal(content: bytes, *, purpose: bytes) -> bytes:
    """Version byte, nonce, AES-GCM text."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + _cipher(settings.PLATE_KEY, purpose).encrypt(nonce, content, _VERSION)


def unseal(blob: bytes, *, purpose: bytes) -> bytes:
    """Undo `seal`; raises InvalidTag for a changed text, another purpose or another key."""
    version, nonce, text = blob[:1], blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
    return _cipher(settings.PLATE_KEY, purpose).decrypt(nonce, text, version)


@lru_cache(maxsize=16)
def _cipher(key: bytes, purpose: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(algorithm=SHA256(), length=32, info=purpose).derive(key))
