"""A site of `django-appointment`, as its documentation sets it up, in a schema of the benchmark's database.

Run by an environment of its own, which knows nothing of the product: `python django_appointment.py <clients>` makes the
tables, copies the crowd into them and prints the session of each client; uvicorn serves `application`.
"""

import json
import os
import sys
from importlib import import_module

from django.conf import settings

SCHEMA = "peer"
database = json.loads(os.environ["PEER_DATABASE"])
settings.configure(
    SECRET_KEY="only-for-benchmarks-" + "x" * 40,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TIME_ZONE="UTC",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    # Connections are kept, as the product keeps them.
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            **database,
            "OPTIONS": {"options": f"-c search_path={SCHEMA}", "pool": {"min_size": 1, "max_size": 20}},
        }
    },
    # Letters are written in the request, but no mail server slows it.
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "phonenumber_field",
        "appointment",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="static/",
)

import django  # noqa: E402 - needs the settings

django.setup()

import logging  # noqa: E402

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.urls import include, path  # noqa: E402

logging.disable(logging.INFO)  # it writes a line for each step
urlpatterns = [path("", include("appointment.urls"))]
application = get_asgi_application()
# The same people with the same ids, the same appointments, and hours around the times that are booked.
COPY = """
INSERT INTO auth_user (id, username, first_name, last_name, email, password, is_superuser, is_staff, is_active,
    date_joined)
SELECT id, username, first_name, last_name, username || '@example.org', '!', false, role = 'therapist', true,
    date_joined
FROM public.accounts_user;
INSERT INTO appointment_service (id, name, duration, price, down_payment, currency, reschedule_limit,
    allow_rescheduling, use_service_duration_as_slot, created_at, updated_at)
VALUES (1, 'Therapy', interval '30 minutes', 60, 0, 'EUR', 0, false, true, now(), now());
INSERT INTO appointment_staffmember (id, user_id, slot_duration, lead_time, finish_time, work_on_saturday,
    work_on_sunday, created_at, updated_at)
SELECT id, id, 30, '08:00', '16:00', true, true, now(), now() FROM auth_user WHERE is_staff;
INSERT INTO appointment_staffmember_services_offered (staffmember_id, service_id)
SELECT id, 1 FROM appointment_staffmember;
INSERT INTO appointment_workinghours (staff_member_id, day_of_week, start_time, end_time, created_at, updated_at)
SELECT id, day, '08:00', '16:00', now(), now() FROM appointment_staffmember, generate_series(0, 6) AS day;
INSERT INTO appointment_appointmentrequest (id, date, start_time, end_time, service_id, staff_member_id, payment_type,
    id_request, reschedule_attempts, created_at, updated_at)
SELECT id, (start AT TIME ZONE 'UTC')::date, (start AT TIME ZONE 'UTC')::time, ("end" AT TIME ZONE 'UTC')::time, 1,
    therapist_id, 'full', id::text, 0, created_at, updated_at
FROM public.appointments_appointment WHERE therapist_id IS NOT NULL;
INSERT INTO appointment_appointment (client_id, appointment_request_id, phone, address, want_reminder, additional_info,
    paid, amount_to_pay, id_request, created_at, updated_at)
SELECT patient_id, id, '+12025550123', '', false, '', false, 60, id::text, created_at, updated_at
FROM public.appointments_appointment WHERE therapist_id IS NOT NULL;
SELECT setval(pg_get_serial_sequence('appointment_appointmentrequest', 'id'), max(id))
FROM appointment_appointmentrequest
"""


def main(clients: int) -> None:
    """Make the tables, fill them, and print the sessions of so many clients."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)  # it comes without migrations
    with connection.cursor() as cursor:
        cursor.execute(COPY)
    patients = User.objects.filter(is_staff=False).order_by("-id")[:clients]
    print(json.dumps([session_of(patient) for patient in patients]))


def session_of(user: User) -> str:
    """The key of a session in which the user is signed in."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


if __name__ == "__main__":
    main(int(sys.argv[1]))
