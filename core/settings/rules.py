"""The numbers of the domain; `appointments.policy` gives them their units."""

from core.offsets import EXPECTS, parse_offsets
from core.settings import env

YEAR_OF_MINUTES = 525_600

DEFAULT_RESPONSE_TIMEOUT_MINUTES = env.number("DEFAULT_RESPONSE_TIMEOUT_MINUTES", 30, least=0.01, most=YEAR_OF_MINUTES)
DEADLINE_WARNING_MINUTES = env.number("DEADLINE_WARNING_MINUTES", 10, least=0, most=YEAR_OF_MINUTES)
MISSED_GRACE_MINUTES = env.number("MISSED_GRACE_MINUTES", 30, least=0, most=YEAR_OF_MINUTES)
WAITING_LIST_OFFER_MINUTES = env.number("WAITING_LIST_OFFER_MINUTES", 15, least=0.01, most=YEAR_OF_MINUTES)
AUTO_CANCEL_ENABLED = env.boolean("AUTO_CANCEL_ENABLED", default=True)
AUTO_DISABLE_THERAPISTS = env.boolean("AUTO_DISABLE_THERAPISTS", default=True)
AUTO_REASSIGN_ON_TIMEOUT = env.boolean("AUTO_REASSIGN_ON_TIMEOUT", default=False)
MAX_REASSIGNMENTS = env.integer("MAX_REASSIGNMENTS", 5, least=0, most=1_000)
OPEN_REQUESTS = env.boolean("OPEN_REQUESTS", default=True)
BOOKING_HORIZON_DAYS = env.integer("BOOKING_HORIZON_DAYS", 365, least=1, most=3_650)
SUSPENSION_BREAKER_MIN = env.integer("SUSPENSION_BREAKER_MIN", 3, least=0, most=1_000_000)
SUSPENSION_BREAKER_PERCENT = env.number("SUSPENSION_BREAKER_PERCENT", 20, least=0, most=100)
ETA_HORIZON_SECONDS = env.integer("ETA_HORIZON_SECONDS", 3600, least=1, most=86_400)
REMINDER_OFFSETS = env.read("REMINDER_OFFSETS", "email:24h,sms:2h", EXPECTS, parse_offsets)
MAILED = (
    "new_appointment,appointment_assigned,appointment_accepted,"
    "appointment_rescheduled,appointment_cancelled,appointment_auto_cancelled"
)
EMAIL_EVENTS = env.words("EMAIL_EVENTS", MAILED, shape="[a-z_]+", expects="a comma list of event names")
THERAPIST_WORD = env.text(
    "THERAPIST_WORD", "therapist", shape="therapist|provider|doctor", expects="therapist, provider or doctor"
)
PATIENT_WORD = env.text("PATIENT_WORD", "patient", shape="patient|client", expects="patient or client")
EMERGENCY_TEXT = env.text("EMERGENCY_TEXT")
VIDEO_URL_TEMPLATE = env.url("VIDEO_URL_TEMPLATE", "", ("http", "https"))
