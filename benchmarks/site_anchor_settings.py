"""The product's settings with another table of addresses, for the bare endpoint behind this site's own middleware."""

from parking_share.settings import *  # noqa: F403 -- an overlay

ROOT_URLCONF = "benchmarks.site_anchor"
