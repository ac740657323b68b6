from typing import Any

from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

MOST_ROWS = 100
FURTHEST = 10_000


class PageIn(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=FURTHEST, default=0)


class Pages(LimitOffsetPagination):
    """`?limit=&offset=`, both bounded: a page costs what it costs, whoever asks."""

    max_limit = MOST_ROWS

    def get_schema_operation_parameters(self, _view: object) -> list[dict[str, Any]]:
        return [
            {
                "name": self.limit_query_param,
                "in": "query",
                "required": False,
                "description": "How many rows.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": self.default_limit},
            },
            {
                "name": self.offset_query_param,
                "in": "query",
                "required": False,
                "description": "How many rows to leave out first.",
                "schema": {"type": "integer", "minimum": 0, "maximum": FURTHEST, "default": 0},
            },
        ]

    def get_limit(self, request: Request) -> int:
        return int(_page(request)["limit"])

    def get_offset(self, request: Request) -> int:
        return int(_page(request)["offset"])


def _page(request: Request) -> dict[str, Any]:
    asked = PageIn(data=request.query_params)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)
