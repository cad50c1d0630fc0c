"""A large institution in a few seconds: people, history, days to come and published time, written by the database."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from core.accounts.models import Institution, Role, User

PER_DAY = 8  # visits of 30 minutes, each at a full hour from 8 UTC on
AHEAD = 3  # days to come unless said otherwise; all others lie in the past
PATIENTS_PER_THERAPIST = 8  # each sees one of them at every hour, so nobody is in two places

PEOPLE = """
INSERT INTO accounts_user (username, first_name, last_name, email, phone, password, role, institution_id, timezone,
    language, preferences, session_epoch, suspension_reason,
    taking_appointments, is_active, is_staff, is_superuser, date_joined)
SELECT concat_ws('-', %(role)s, %(institution)s, n), %(role)s, n::text, '', '', '!', %(role)s, %(institution)s, '',
    'en', '{}', 0, '', true, true, false, false, now()
FROM generate_series(1, %(number)s) AS n RETURNING id
"""
# Visit k of a therapist lies k / PER_DAY days before the last day, in hour 8 + k % PER_DAY; every other therapist
# begins at half past, so at any time of the day about half of them are free.
VISITS = """
INSERT INTO appointments_appointment (appointment_id, meeting_id, version, status, institution_id, patient_id,
    therapist_id, appointment_type, start, "end", appointment_date, appointment_time, duration_minutes,
    reason_for_visit, symptoms, notes, booking_method, video_url, origin, open, response_deadline, cancellation_reason,
    consultation_fee, is_paid, payment_method, created_at, updated_at)
SELECT gen_random_uuid(), gen_random_uuid(), 2, status, %(institution)s,
    %(patient)s + (t * %(kinds)s + k %% %(kinds)s)::int,
    CASE WHEN dice > 2 OR status <> 'pending' THEN %(therapist)s + t END,
    'therapy', start, start + interval '30 minutes', start::date, start::time, 30,
    '', '', '', 'online', '', CASE WHEN status = 'pending' AND dice > 2 THEN 'operator' END, false,
    CASE WHEN status = 'pending' AND dice > 2 THEN %(now)s::timestamptz + interval '20 minutes' END, '',
    60, false, '', %(now)s, %(now)s
FROM generate_series(0, %(therapists)s - 1) AS t, generate_series(0, %(each)s - 1) AS k,
LATERAL (SELECT make_time(8 + (k %% %(per_day)s)::int, (t %% 2)::int * 30, 0) AS clock) AS hour,
LATERAL (SELECT %(last)s::date - (k / %(per_day)s)::int + clock AS local) AS day,
LATERAL (SELECT local AT TIME ZONE 'UTC' AS start, (t + k / %(per_day)s) %% 20 AS dice) AS at,
LATERAL (SELECT CASE
    WHEN dice < 2 THEN 'cancelled'
    WHEN start < %(now)s THEN CASE WHEN dice < 4 THEN 'missed' ELSE 'completed' END
    WHEN dice < 4 THEN 'pending'
    ELSE 'confirmed' END AS status) AS state
"""
# A slot for each half hour from 8 to 16 UTC on each of the coming days.
SLOTS = """
INSERT INTO appointments_timeslot (therapist_id, date, start_time, end_time, start, "end", is_available,
    max_appointments, current_appointments, held_places, recurring_days)
SELECT %(therapist)s + t, local::date, local::time, (local + interval '30 minutes')::time, local AT TIME ZONE 'UTC',
    (local + interval '30 minutes') AT TIME ZONE 'UTC', true, 1, 0, 0, ''
FROM generate_series(0, %(therapists)s - 1) AS t, generate_series(0, %(days)s - 1) AS d, generate_series(0, 15) AS k,
LATERAL (SELECT %(first)s::date + d::int + time '08:00' + k * interval '30 minutes' AS local) AS at
"""


@dataclass(frozen=True)
class Crowd:
    """An institution whose therapists and patients have consecutive ids."""

    institution: Institution
    operator: User
    therapists: int
    therapist: int
    patient: int
    first_day: date
    last_day: date

    def a_therapist(self) -> User:
        return User.objects.get(pk=self.therapist)

    def a_patient(self) -> User:
        return User.objects.get(pk=self.patient)


def make_crowd(therapists: int, appointments: int, *, slot_days: int = 0, ahead: int = AHEAD) -> Crowd:
    """So many of each, evenly spread; appointments end `ahead` days from today, slots begin tomorrow, `first_day`."""
    now = timezone.now()
    institution = Institution.objects.create(name=f"Crowd of {therapists}", timezone="UTC")
    operator = User.objects.create(username=f"operator-{institution.pk}", role=Role.OPERATOR, institution=institution)
    facts = {
        "institution": institution.pk,
        "therapist": _people(Role.THERAPIST, therapists, institution),
        "patient": _people(Role.PATIENT, therapists * PATIENTS_PER_THERAPIST, institution),
        "therapists": therapists,
        "each": appointments // therapists,
        "kinds": PATIENTS_PER_THERAPIST,
        "per_day": PER_DAY,
        "now": now,
        "first": now.date() + timedelta(days=1),
        "last": now.date() + timedelta(days=ahead),
        "days": slot_days,
    }
    with connection.cursor() as cursor:
        cursor.execute(VISITS, facts)
        cursor.execute(SLOTS, facts)
        # Not every table: the sizes it notes outlive a transaction that is rolled back.
        cursor.execute("ANALYZE accounts_user, appointments_appointment, appointments_timeslot")
    people = facts["therapist"], facts["patient"]
    return Crowd(institution, operator, therapists, *people, facts["first"], facts["last"])


def _people(role: Role, number: int, institution: Institution) -> int:
    """Insert so many; returns the first id."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, {"role": role.value, "number": number, "institution": institution.pk})
        return int(cursor.fetchone()[0])
