"""What all tests share."""

import os
from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings as site_settings
from django.db.models.signals import post_migrate
from hypothesis import HealthCheck, settings

from scripts import translations

settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("quick"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure() -> None:
    """Compiled translations are not kept in the repository; pages are tested as people see them."""
    translations.compile_all()


@pytest.fixture(scope="session", autouse=True)
def rows_of_migrations_survive_a_flush() -> Iterator[None]:
    """A test with real commits ends by emptying all tables; the next one finds the rows that migrations made."""
    defaults = import_module("parking_share.spaces.migrations.0002_defaults")
    public = import_module("parking_share.spaces.migrations.0006_access_classes_admit_the_public")
    config = apps.get_app_config("spaces")

    def add_them_again(**_signal: object) -> None:
        defaults.add_defaults(apps, None)
        public.say_which_admit_the_public(apps, None)

    post_migrate.connect(add_them_again, sender=config)
    yield
    post_migrate.disconnect(add_them_again, sender=config)


@pytest.fixture(scope="session", autouse=True)
def passwords_are_hashed_quickly() -> None:
    """The slow hash of the site would be two thirds of the time of the tests that need people."""
    site_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
