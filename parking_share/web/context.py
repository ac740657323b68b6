"""What every page may show; nothing is asked of the database before a template uses it."""

from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from parking_share.accounts.models import User
from parking_share.notices.selectors import unread_notices
from parking_share.spaces.models import RoleGrant


def site_words() -> dict[str, object]:
    """What needs neither a visitor nor a database."""
    return {"site_name": settings.SITE_NAME, "is_demo": settings.DEPLOYMENT == "demo"}


def site(request: HttpRequest) -> dict[str, object]:
    shown = site_words()
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        header = SimpleLazyObject(partial(Header.of, user))
        shown["unread_notices"] = SimpleLazyObject(lambda: header.unread_notices)
        shown["roles"] = SimpleLazyObject(lambda: header.roles)
    return shown


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the head of a page knows of its visitor, in one query."""

    unread_notices: int
    roles: frozenset[str]

    @classmethod
    def of(cls, user: User) -> "Header":
        unread = unread_notices(OuterRef("pk")).order_by().values("recipient").annotate(n=Count("pk")).values("n")
        roles = RoleGrant.objects.filter(user=OuterRef("pk")).values("role")
        row = User.objects.filter(pk=user.pk).values_list(Coalesce(Subquery(unread), 0), ArraySubquery(roles)).get()
        return cls(unread_notices=row[0], roles=frozenset(row[1]))
