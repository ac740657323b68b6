"""Secrets of the demo: made once, kept in a file that only its owner reads."""

import base64
import json
import os
import secrets
from pathlib import Path

from scripts.refusal import StartRefused


def plate_key() -> str:
    """A key for encrypting number plates: 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def kept_secrets(path: Path) -> dict[str, str]:
    """The secrets in this file, made now if there are none."""
    if not path.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "PLATE_KEY": plate_key(),
            "POSTGRES_PASSWORD": secrets.token_urlsafe(18),
            "REDIS_PASSWORD": secrets.token_urlsafe(18),
        }
        write_private(path, json.dumps(made, indent=1))
    try:
        kept: dict[str, str] = json.loads(path.read_text())
        return {name: kept[name] for name in ("SECRET_KEY", "PLATE_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")}
    except (ValueError, KeyError, TypeError) as problem:
        raise StartRefused(
            f"The secrets in {path} cannot be read; ./run clean removes the demo, then start again (its data are lost)."
        ) from problem


def write_private(path: Path, text: str) -> None:
    """Write in one move a file that nobody else can read."""
    half_made = path.with_name(f"{path.name}.new")
    half_made.unlink(missing_ok=True)
    with os.fdopen(os.open(half_made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    half_made.replace(path)
