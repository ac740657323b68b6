from django.contrib import admin

from parking_share.admin_tools import ReadOnly
from parking_share.notices.models import EventCursor, Notice


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ("id", "recipient", "kind", "event", "reservation", "created_at", "read_at", "mailed_at")
    list_filter = ("kind", ("read_at", admin.EmptyFieldListFilter), ("mailed_at", admin.EmptyFieldListFilter))
    list_select_related = ("recipient", "event", "reservation")
    search_fields = ("recipient__email", "recipient__phone")
    date_hierarchy = "created_at"


@admin.register(EventCursor)
class EventCursorAdmin(ReadOnly):
    """A reader's bookmark: moved by the reader alone, else notices are lost or doubled."""

    list_display = ("reader", "next_transaction")
