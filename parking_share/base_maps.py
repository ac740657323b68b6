"""What may lie under the city map: nothing, a file of tiles of our own, Tianditu, or any style. Checked at start."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

KINDS = ("none", "pmtiles", "tianditu", "style")
TIANDITU_HOSTS = [f"https://t{number}.tianditu.gov.cn" for number in range(8)]


def base_map_of(*, kind: str, address: str, key: str, hosts: Sequence[str]) -> dict[str, Any]:
    """What the page hands to its scripts, and the origins that the content security policy lets in.

    The map's areas are in WGS-84; a base map has to be in the same datum, as Tianditu and OpenStreetMap are.

    Raises
    ------
    ImproperlyConfigured
        For an unknown kind, and where its address or key is missing.
    """
    if kind not in KINDS:
        raise ImproperlyConfigured(f"BASE_MAP must be one of {', '.join(KINDS)}, not “{kind}”.")
    if kind in {"pmtiles", "style"} and not address:
        raise ImproperlyConfigured(f"BASE_MAP={kind} needs BASE_MAP_ADDRESS, the address of the file.")
    if kind == "tianditu" and not key:
        raise ImproperlyConfigured("BASE_MAP=tianditu needs BASE_MAP_KEY, the key (tk) that Tianditu gave you.")
    origins = [*hosts, *(TIANDITU_HOSTS if kind == "tianditu" else []), *_origin(address)]
    wrong = [origin for origin in origins if not _is_origin(origin)]
    if wrong:
        raise ImproperlyConfigured(f"BASE_MAP_HOSTS must be origins like https://tiles.example.org, not “{wrong[0]}”.")
    return {"kind": kind, "address": address, "key": key, "hosts": sorted(set(origins))}


def _origin(address: str) -> list[str]:
    """The origin of an address on another host; a path on this site needs none."""
    parts = urlsplit(address)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    is_plain = not parts.path and not parts.query and not parts.fragment
    return parts.scheme in {"https", "http"} and bool(parts.hostname) and is_plain and not set(text) & set(" ;,'\"")


def embedding_origins(origins: Sequence[str]) -> list[str]:
    """The sites that may show a public map in a frame.

    Raises
    ------
    ImproperlyConfigured
        For what is no origin.
    """
    wrong = [origin for origin in origins if not _is_origin(origin)]
    if wrong:
        raise ImproperlyConfigured(f"EMBED_ORIGINS must be origins like https://www.example.org, not “{wrong[0]}”.")
    return list(origins)
