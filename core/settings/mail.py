from core.settings import env
from core.settings.base import DATA_DIR

APPRISE = r"[a-z0-9]+://\S+"

EMAIL_BACKEND = env.dotted("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost", shape=r"[\w.:\-\[\]]+", expects="a host's name")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, least=1, most=65_535)
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", default=False)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", "appointments@localhost", shape=r".+@.+", expects="an e-mail address"
)
REMINDER_SMS_URL = env.text("REMINDER_SMS_URL", shape=APPRISE, expects="an Apprise URL")
REMINDER_WHATSAPP_URL = env.text("REMINDER_WHATSAPP_URL", shape=APPRISE, expects="an Apprise URL")
REMINDER_PUSH_URL = env.text("REMINDER_PUSH_URL", shape=APPRISE, expects="an Apprise URL")
