"""`Idempotency-Key`: a call that is made twice happens once, and both callers read the same reply."""

import hashlib
import json
import re

from django.utils.translation import gettext as _
from rest_framework.request import Request

from parking_share.accounts.models import User
from parking_share.api.refusals import KeyMissing, KeyReusedForOther
from parking_share.reservations.models import IdempotencyKey
from parking_share.reservations.services import OnceOnly

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


def once_only(request: Request) -> OnceOnly:
    """Read the key, and hash what is asked with it: method, path and body, however the body is spaced."""
    key = request.headers.get(HEADER, "")
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        sentence = _("Send this header: 1 to 255 printable characters that you use for this request only.")
        raise KeyMissing({HEADER: [sentence]})
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return OnceOnly(key=key, fingerprint=_digest(request.method or "", request.path, body))


def earlier_call(caller: User, once: OnceOnly) -> IdempotencyKey | None:
    """The call that used this key before; refused when it asked for something else."""
    earlier = IdempotencyKey.objects.select_related("reservation").filter(caller=caller, key=once.key).first()
    if earlier is not None and earlier.fingerprint != once.fingerprint:
        raise KeyReusedForOther(_("This Idempotency-Key was used for another request. Choose a new one."))
    return earlier


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
