"""The product's settings without its apps, middleware and answers to errors, for the bare endpoint."""

from parking_share.settings import *  # noqa: F403 -- an overlay
from parking_share.settings import REST_FRAMEWORK as OURS

ROOT_URLCONF = "benchmarks.anchor"
MIDDLEWARE = []
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
AUTH_USER_MODEL = "auth.User"
REST_FRAMEWORK = {key: OURS[key] for key in ("DEFAULT_RENDERER_CLASSES",)} | {
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"]
}
