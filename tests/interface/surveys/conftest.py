"""A member of the city's staff at work on surveys, on a clock that stands still."""

import pytest

from parking_share import clock
from parking_share.accounts.models import User
from parking_share.spaces.models import District, Role
from tests.factories import NOW, grant, make_user
from tests.interface.pages import client_of


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def district() -> District:
    return District.objects.create(city="深圳", name="福田")


@pytest.fixture
def staff(district) -> User:
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    return user


@pytest.fixture
def client(staff):
    return client_of(staff)
