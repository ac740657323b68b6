"""The OpenAPI description: what all operations have in common, and the document itself."""

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.renderers import OpenApiYamlRenderer
from rest_framework import serializers

from parking_share.api.idempotency import HEADER
from parking_share.api.problems import MEDIA_TYPE, TYPE_PREFIX

ALWAYS = {
    400: "Something in the request is missing or wrong; `errors` says what, field by field.",
    401: "No valid token or session came with the request.",
    404: "There is no such thing, or it is somebody else's.",
    405: "This address does not know the method.",
    406: "Answers come as JSON.",
    429: "Too many requests; `Retry-After` says when to come back.",
    503: "The service is busy; `Retry-After` says when to come back.",
}
WHEN_WRITING = {
    403: "A session came without its CSRF token.",
    409: "A rule says no; `code` names it, `detail` explains it.",
}
WITH_A_BODY = {
    413: "The body is too large.",
    415: "Bodies come as JSON.",
}
WITH_A_KEY = {422: "The Idempotency-Key was used for another request."}


class ProblemOut(serializers.Serializer[Any]):
    """A problem document, RFC 9457."""

    type = serializers.CharField(help_text="A URN that ends with the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong and what to do, in the language of Accept-Language.")
    code = serializers.CharField(help_text="A stable name for programs.")
    request_id = serializers.CharField(help_text="Name it when you ask us what happened.", allow_blank=True)
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, child=serializers.JSONField(), help_text="With 400: what is wrong, by field."
    )


class Schema(AutoSchema):
    """Every operation says which problems it may answer with."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            told = {str(code): self._problem(code, why) for code, why in self._problems(operation).items()}
            operation["responses"] = dict(sorted((told | operation["responses"]).items()))
        return operation

    def _problems(self, operation: dict[str, Any]) -> dict[int, str]:
        named = {parameter["name"] for parameter in operation.get("parameters", [])}
        return (
            ALWAYS
            | ({} if self.method == "GET" else WHEN_WRITING)
            | (WITH_A_BODY if "requestBody" in operation else {})
            | (WITH_A_KEY if HEADER in named else {})
        )

    def _problem(self, code: int, why: str) -> dict[str, str]:
        """A reference to the answer that all operations share."""
        headers = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
        example = {"type": f"{TYPE_PREFIX}code", "title": "…", "status": code, "detail": "…", "code": "code"}
        document = {
            "schema": self.resolve_serializer(ProblemOut, "response").ref,
            "example": example | {"request_id": "…"},
        }
        shared = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=f"Problem{code}",
            type=ResolvedComponent.RESPONSE,
            object=f"Problem{code}",
            schema={"description": why, "content": {MEDIA_TYPE: document}}
            | ({"headers": headers} if code in {409, 429, 503} else {}),
        )
        self.registry.register_on_missing(shared)
        reference: dict[str, str] = shared.ref
        return reference


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description names our tokens; found by drf-spectacular because it exists."""

    target_class = "parking_share.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "From `POST /api/v1/tokens`."}


@cache
def described() -> bytes:
    """The whole description as YAML, made once per process."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return bytes(OpenApiYamlRenderer().render(document, renderer_context={}))  # type: ignore[no-untyped-call]
