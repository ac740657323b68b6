"""What only the API refuses. Apart from `problems`, so that the settings of the framework can load the parser first."""

from rest_framework import exceptions, status

RETRY_SOON_S = 1


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class KeyMissing(exceptions.ValidationError):
    default_code = "idempotency_key_missing"


class KeyReusedForOther(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"


class StillDeciding(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_key_in_progress"
    wait = RETRY_SOON_S
