from pathlib import Path
from zoneinfo import available_timezones

from core.settings import env

BASE_DIR = env.BASE_DIR


def directory(raw: str) -> Path:
    """A directory, made where it is missing; a relative one lies in the project."""
    path = (BASE_DIR / Path(raw)).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


DATA_DIR = env.read("DATA_DIR", "var", "a directory that can be written", directory)

DEBUG = env.boolean("DJANGO_DEBUG", default=False)

ROOT_URLCONF = "core.urls"
ASGI_APPLICATION = "core.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "core",
    "core.accounts",
    "core.liveness",
    "core.outbox",
    "core.web",
    "appointments",
    "tasks",
    "realtime",
    "realtime.dashboards",
    "core.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "channels",
    "django_celery_beat",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "axes",
    "corsheaders",
    "django_structlog",
]

MIDDLEWARE = [
    "core.web.arrival.ArrivalMiddleware",
    "core.web.measures.MeasuringMiddleware",
    "core.web.slashes.ApiSlashMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.web.errors.JsonErrorMiddleware",
    "core.web.readable.ReadableMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.web.logs.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def zone(raw: str) -> str:
    """An IANA zone's name."""
    if raw not in available_timezones():
        raise ValueError(raw)
    return raw


LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية"), ("ur", "اردو")]
TIME_ZONE = env.read("TIME_ZONE", "UTC", "an IANA time zone such as Europe/Berlin", zone)
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "core.web.static.HashedModules"
    },
}
# Redirecting to https and Strict-Transport-Security are the proxy's (deploy/nginx).
SILENCED_SYSTEM_CHECKS = ["axes.W003", "security.W004", "security.W008"]

PORT = env.integer("PORT", 8000, least=1, most=65_535)
# The links in messages begin with it; they are written where no request says how we are reached.
PUBLIC_URL = env.url("PUBLIC_URL", "", ("http", "https")) or f"http://localhost:{PORT}"
FLOWER_PORT = env.integer("FLOWER_PORT", 5555, least=1, most=65_535)


def credentials(raw: str) -> str:
    """A user and a password, or nothing."""
    if raw and not all(raw.partition(":")):
        raise ValueError("without its colon")
    return raw


FLOWER_BASIC_AUTH = env.read("FLOWER_BASIC_AUTH", "", "user:password", credentials)
RETENTION_DAYS = env.integer("RETENTION_DAYS", 365, least=1, most=36_500)
METRICS_TOKEN = env.text("METRICS_TOKEN", shape=r"\S{16,}", expects="at least 16 characters without spaces")


def file_to_touch(raw: str) -> str:
    """A path in a directory that is there, or nothing."""
    if raw and not Path(raw).parent.is_dir():
        raise ValueError(raw)
    return raw


LIVENESS_FILE = env.read("LIVENESS_FILE", "", "a path in a directory that exists", file_to_touch)
HEARTBEAT_URL = env.url("HEARTBEAT_URL", "", ("http", "https"))
SENTRY_DSN = env.url("SENTRY_DSN", "", ("http", "https"))
OTEL_EXPORTER_OTLP_ENDPOINT = env.url("OTEL_EXPORTER_OTLP_ENDPOINT", "", ("http", "https"))
ADMIN_OTP = env.boolean("ADMIN_OTP", default=False)
