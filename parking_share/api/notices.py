"""What the platform has told the caller."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.api.authentication import caller
from parking_share.api.fields import InstantField, ReasonOut
from parking_share.api.views import ApiView, ListView
from parking_share.notices.models import Notice
from parking_share.notices.selectors import notices_of
from parking_share.notices.services import mark_read
from parking_share.notices.words import sentences_of
from parking_share.reservations.states import Status


class NoticeOut(serializers.Serializer[Notice]):
    """An event of a reservation, or a message of its own kind with its sentences."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(Notice.Kind.choices)
    created_at = InstantField()
    read_at = InstantField(allow_null=True)
    reservation = serializers.IntegerField(source="about.pk", allow_null=True, default=None)
    lot_name = serializers.CharField(source="about.lot.name", allow_null=True, default=None)
    status = serializers.ChoiceField(Status.choices, source="event.to_status", allow_null=True, default=None)
    reason = ReasonOut(source="event", allow_null=True, default=None)
    space = serializers.SerializerMethodField(help_text="Label of the bay, where it was announced.")
    sentences = serializers.SerializerMethodField(help_text="What it says, where it is not about an event.")

    def get_space(self, notice: Notice) -> str | None:
        event = notice.event
        if event is None or event.to_space is None or not event.names_the_bay:
            return None
        return event.to_space.label

    def get_sentences(self, notice: Notice) -> list[str]:
        return sentences_of(notice)


class MarkedOut(serializers.Serializer[Any]):
    marked = serializers.IntegerField(help_text="How many notices were unread.")


class NoticeList(ListView):
    @extend_schema(responses=NoticeOut(many=True), summary="List one's notices")
    def get(self, request: Request) -> Response:
        """The caller's notices, the newest first."""
        return self.answer(self.page_of(notices_of(caller(request))), NoticeOut)


class NoticesRead(ApiView):
    @extend_schema(request=None, responses=MarkedOut, summary="Mark all notices as read")
    def post(self, request: Request) -> Response:
        """Safe to repeat."""
        return Response({"marked": mark_read(recipient=caller(request), now=clock.now())})
