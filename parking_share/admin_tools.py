"""What the admin pages of all rooms share.

Who may do what: the admin is entered by `is_staff`, and there Django's own permissions rule; a superuser has them all
and counts as an operator everywhere. A role grant alone, the operator's included, opens the platform's pages and not
the admin: whoever hands out grants must not thereby hand out the tables.

An admin module belongs to the shell: it reads the clock, makes one domain call and shows a refusal as a message.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from parking_share.accounts.models import User
from parking_share.errors import DomainError

if TYPE_CHECKING:  # the stubs know these as generic, Django does not
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    ModelForm = forms.ModelForm[Any]
    _Paginator = Paginator[Any]
else:
    ModelAdmin, TabularInline, ModelForm = admin.ModelAdmin, admin.TabularInline, forms.ModelForm
    _Paginator = Paginator

MOST_COUNTED = 10_000


class ReadOnly(ModelAdmin):
    """Rows that are only looked at: append-only tables, and rows that services alone may write."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- the signature is Django's
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 -- as above
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 -- as above
        return False


class CountedToALimit(_Paginator):
    """Pages of a table that may be too large to count: beyond ten thousand rows one searches, and does not leaf."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[:MOST_COUNTED].count()


class Endless(ReadOnly):
    """Rows that come by the hundred thousand and are only looked at: the newest first, never all of them counted."""

    paginator = CountedToALimit
    show_full_result_count = False
    ordering = ("-pk",)


class Kept(ModelAdmin):
    """Rows that may be changed but not deleted: others point at them, or their end is a date in the row."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 -- as above
        return False


def do_or_say_why(request: HttpRequest, call: Callable[[], object]) -> bool:
    """Make a domain call; show a refusal as a message. Whether it was done."""
    try:
        call()
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
        return False
    return True


def whoever_asks(request: HttpRequest) -> User:
    """The signed-in person; the admin lets nobody else come so far."""
    return cast(User, request.user)
