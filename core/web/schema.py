"""The OpenAPI description of the views, with the errors of the contract."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from drf_standardized_errors.openapi import AutoSchema
from rest_framework import serializers

READ_ERRORS: Final = frozenset({"400", "401", "403", "404", "503"})
WRITE_ERRORS: Final = READ_ERRORS | {"409", "413", "415", "429"}
ERROR_TYPES: Final = tuple((word, word) for word in ("validation_error", "client_error", "server_error"))
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="At most 255 characters; a repetition within 24 hours gets the first answer and does nothing.",
)


class OneError(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True, help_text="The field at fault.")


class ErrorBody(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=ERROR_TYPES)
    errors = OneError(many=True)  # type: ignore[assignment]


class ConflictBody(ErrorBody):
    current = serializers.DictField(
        required=False, allow_null=True, help_text="The appointment as the caller sees it, or null."
    )


class Schema(AutoSchema):
    """Describes every refusal in one shape per status; which codes a field may meet is the answer's to say."""

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.split("/") if part]
        return [parts[1] if parts[1:2] == ["auth"] else parts[-1] if len(parts) < 3 else parts[2]]

    def get_override_parameters(self) -> Any:
        repeatable = self.method == "POST" and not self.path.startswith("/api/auth/")
        return [*super().get_override_parameters(), *([IDEMPOTENCY_KEY] if repeatable else [])]

    def _should_add_error_response(self, responses: dict[str, Any], status_code: str) -> bool:
        return status_code in (READ_ERRORS if self.method == "GET" else WRITE_ERRORS)
