"""The product's settings without its middleware, for the bare endpoint."""

from parking_share.settings import *  # noqa: F403 -- an overlay

ROOT_URLCONF = "benchmarks.anchor"
MIDDLEWARE: list[str] = []
