"""The OpenAPI description: what every operation has in common."""

from drf_spectacular.openapi import AutoSchema


class Schema(AutoSchema):
    pass
