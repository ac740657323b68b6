"""What every page may show; nothing is asked of the database before a template uses it."""

from functools import partial

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from parking_share.accounts.models import User
from parking_share.notices.selectors import unread_count
from parking_share.spaces.models import RoleGrant


def site_words() -> dict[str, object]:
    """What needs neither a visitor nor a database."""
    return {"site_name": settings.SITE_NAME, "is_demo": settings.DEPLOYMENT == "demo"}


def site(request: HttpRequest) -> dict[str, object]:
    shown = site_words()
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        shown["unread_notices"] = SimpleLazyObject(partial(unread_count, user))
        shown["roles"] = SimpleLazyObject(partial(_roles_of, user))
    return shown


def _roles_of(user: User) -> frozenset[str]:
    return frozenset(RoleGrant.objects.filter(user=user).values_list("role", flat=True))
