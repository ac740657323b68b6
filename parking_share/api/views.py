from typing import Any

from django.http import HttpResponseBase
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from parking_share.api.pages import Pages


class ApiView(APIView):
    """What all endpoints share: nothing is kept by caches unless the view says so."""

    pagination_class: type[Pages] | None = None

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final


class ListView(ApiView):
    """A list in pages."""

    pagination_class = Pages

    def page_of(self, rows: Any) -> list[Any]:
        """The rows of the page that the caller asks for."""
        self.pages = Pages()
        return self.pages.paginate_queryset(rows, self.request, view=self) or []

    def answer(self, data: Any) -> Response:
        return self.pages.get_paginated_response(data)


class Nowhere(ApiView):
    """Every address that is none: a problem document too."""

    permission_classes = [AllowAny]
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.http_method_names = []
        return super().dispatch(request, *args, **kwargs)

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        raise NotFound


def as_json(data: Any) -> str:
    """The body that a Response would have."""
    return bytes(JSONRenderer().render(data)).decode()
