from datetime import timedelta
from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "core.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.web.parsers.ObjectParser", "rest_framework.parsers.FormParser"],
    "DEFAULT_PAGINATION_CLASS": "core.web.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "core.web.schema.Schema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "PAGE_SIZE": 20,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
    "EXCEPTION_HANDLER_CLASS": "core.web.errors.ExceptionHandler",
    "EXCEPTION_FORMATTER_CLASS": "core.web.errors.ExceptionFormatter",
    "ALLOWED_ERROR_STATUS_CODES": ["400", "401", "403", "404", "409", "413", "415", "429", "503"],
    "ERROR_SCHEMAS": {
        **dict.fromkeys(("400", "401", "403", "404", "413", "415", "429", "503"), "core.web.schema.ErrorBody"),
        "409": "core.web.schema.ConflictBody",
    },
}
REST_KNOX = {
    "TOKEN_TTL": timedelta(hours=1),
    "AUTO_REFRESH": True,
    "AUTO_REFRESH_MAX_TTL": timedelta(hours=12),
    "MIN_REFRESH_INTERVAL": 60,
    "AUTH_HEADER_PREFIX": "Token",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Appointment assignment",
    "DESCRIPTION": "Assign a therapist to an appointment, get the answer in time, and know why.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "StatusEnum": "appointments.models.AppointmentStatus.choices",
        "AppointmentTypeEnum": "appointments.models.AppointmentType.choices",
        "ReviewDecisionEnum": "appointments.models.ReviewDecision.choices",
        "ReminderTypeEnum": "appointments.models.ReminderType.choices",
        "ReminderStatusEnum": "appointments.models.ReminderStatus.choices",
        "OriginEnum": "appointments.models.Origin.choices",
        "EventEnum": "appointments.events.EventType.choices",
        "ErrorTypeEnum": "core.web.schema.ERROR_TYPES",
    },
}
