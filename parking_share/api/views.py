from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from parking_share.api.pages import Pages
from parking_share.api.schema import described


class ApiView(APIView):
    """What all endpoints share: nothing is kept by caches unless the view says so."""

    pagination_class: type[Pages] | None = None

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
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

    def answer(self, page: list[Any], shape: type[Serializer[Any]]) -> Response:
        """The page, each row in this shape, with the addresses of its neighbours."""
        return self.pages.get_paginated_response(shape(page, many=True).data)


class Description(ApiView):
    """The OpenAPI document of this version."""

    permission_classes = [AllowAny]
    schema = None

    def get(self, _request: Request) -> HttpResponse:
        return HttpResponse(described(), content_type="application/yaml")


class Nowhere(ApiView):
    """Every address that is none: a problem document too, whatever the method."""

    permission_classes = [AllowAny]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


def as_json(data: Any) -> str:
    """The body that a Response would have."""
    return bytes(JSONRenderer().render(data)).decode()
