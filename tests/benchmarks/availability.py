"""P6 and P7: who is free, and when somebody is, against the same questions in plain SQL."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.models import Appointment
from appointments.policy import current_policy
from appointments.selectors.free_therapists import candidates, named, therapists_free_at
from appointments.selectors.slots import available, bookable_slots, slots_for
from tests.benchmarks.measuring import Figure, Row, medians
from tests.benchmarks.population import fresh_statistics
from tests.benchmarks.requests import Requests
from tests.support.crowd import Crowd, make_crowd

DAYS = 30
VISIT = timedelta(minutes=30)
# Both are what an experienced hand writes who knows the tables: the overlap rule with its bound, the cheap test first.
FREE = """
SELECT u.id, u.first_name, u.last_name, u.username,
    EXISTS (SELECT FROM appointments_timeslot s WHERE s.therapist_id = u.id AND s.start <= %(start)s
        AND s.start > %(start)s - interval '25 hours' AND s."end" >= %(end)s AND s.is_available AND NOT s.is_booked)
    OR NOT EXISTS (SELECT FROM appointments_timeslot s WHERE s.therapist_id = u.id AND s.date >= %(day)s) AS published
FROM accounts_user u
WHERE u.institution_id = %(institution)s AND u.role = 'therapist' AND u.is_active AND u.taking_appointments
    AND (u.away_until IS NULL OR u.away_until <= %(now)s)
    AND NOT EXISTS (SELECT FROM appointments_appointment a WHERE a.therapist_id = u.id AND a.start < %(end)s
        AND a."end" > %(start)s AND a.start > %(start)s - interval '12 hours'
        AND a.status IN ('pending', 'confirmed', 'assigned', 'rejected', 'in_progress'))
    AND NOT EXISTS (SELECT FROM appointments_timeoff t WHERE t.therapist_id = u.id AND t.start < %(end)s
        AND t."end" > %(start)s)
"""
PLACES = """
SELECT s.id, s.start, s."end", s.start_time, s.end_time, s.max_appointments - s.current_appointments - s.held_places
FROM appointments_timeslot s JOIN accounts_user u ON u.id = s.therapist_id
WHERE s.therapist_id = %(therapist)s AND s.date BETWEEN %(first)s AND %(last)s
    AND s.is_available AND NOT s.is_booked AND s.start > %(now)s AND s."end" - s.start >= interval '30 minutes'
    AND u.is_active AND u.taking_appointments AND (u.away_until IS NULL OR u.away_until <= %(now)s)
    AND NOT EXISTS (SELECT FROM appointments_appointment a WHERE a.therapist_id = s.therapist_id
        AND a.start < s."end" AND a."end" > s.start AND a.start > %(now)s - interval '12 hours'
        AND a.status IN ('pending', 'confirmed', 'assigned', 'rejected', 'in_progress')
        AND (a.time_slot_id IS NULL OR a.time_slot_id <> s.id))
    AND NOT EXISTS (SELECT FROM appointments_timeoff t WHERE t.therapist_id = s.therapist_id AND t.start < s."end"
        AND t."end" > s.start)
ORDER BY s.start, s.id
"""


def fetched(sql: str, **facts: object) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        return cursor.fetchall()


class Free:
    """Who is free tomorrow at ten, when the therapists with an even number have a visit."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.now = crowd, timezone.now()
        self.start = datetime.combine(crowd.first_day, time(10), UTC)

    def ours(self) -> set[tuple[int, bool]]:
        free = therapists_free_at(self.crowd.institution, self.start, self.start + VISIT, self.now)
        return {(one.id, one.published) for one in named(free)}

    def plain(self) -> set[tuple[int, bool]]:
        return {
            (row[0], row[4])
            for row in fetched(
                FREE,
                institution=self.crowd.institution.pk,
                start=self.start,
                end=self.start + VISIT,
                day=self.start.date(),
                now=self.now,
            )
        }

    def ranked(self) -> None:
        """Everybody who could take a request of that time, best first."""
        rows = Appointment.objects.filter(institution=self.crowd.institution, status="pending", therapist=None)
        wanted = rows.filter(start=self.start).select_related("institution")[0]
        with CaptureQueriesContext(connection) as queries:
            found = candidates(wanted, self.now, current_policy().answer_rate_over)
        self.queries = len(queries)
        assert found

    def seconds(self, rounds: int) -> dict[str, float]:
        """The median of both, which say the same."""
        free = self.ours()
        assert free == self.plain(), "the two do not answer the same"
        assert 0 < len(free) < self.crowd.therapists, len(free)
        return medians({"ours": self.ours, "plain": self.plain}, rounds)


def who_is_free(quick: bool) -> list[Figure]:
    """P6: one institution with 100 appointments for each therapist, then one ten times as large beside it."""
    size = 100 if quick else 1_000
    small = Free(_settled(size))
    small.ranked()
    one = small.seconds(30)
    ten = Free(_settled(size * 10)).seconds(8)
    detail = f"{one['ours'] * 1000:.1f} ms; plain SQL {one['plain'] * 1000:.1f} ms"
    larger = f"{ten['ours'] * 1000:.0f} ms where ten times as many are found; plain SQL {ten['plain'] * 1000:.0f} ms"
    return [
        Figure("against plain SQL", one["ours"] / one["plain"], 3, detail, at_least=False),
        Figure("queries, ranking included", small.queries, 3, "the selector is one of them", at_least=False),
        Figure("ten times the institution", ten["ours"] / one["ours"], 10, larger, at_least=False),
        Figure("against plain SQL, ten times", ten["ours"] / ten["plain"], 3, larger, at_least=False),
    ]


def _settled(therapists: int) -> Crowd:
    crowd = make_crowd(therapists, therapists * 100, slot_days=1)
    fresh_statistics()
    return crowd


class Places:
    """The free places of one therapist from tomorrow on, as `check-availability` and the list of slots read them."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.now = crowd, timezone.now()
        self.patient = crowd.a_patient()

    def of_the_day(self) -> list[int]:
        return [row.pk for row in bookable_slots(self.crowd.therapist, self.crowd.first_day, 30, self.now)]

    def listed(self, days: int) -> list[int]:
        last = self.crowd.first_day + timedelta(days=days - 1)
        rows = available(slots_for(self.patient, self.now), self.now).filter(
            therapist_id=self.crowd.therapist, date__gte=self.crowd.first_day, date__lte=last
        )
        return [row.pk for row in rows]

    def plain(self, days: int) -> list[int]:
        last = self.crowd.first_day + timedelta(days=days - 1)
        facts = {"therapist": self.crowd.therapist, "first": self.crowd.first_day, "last": last, "now": self.now}
        return [row[0] for row in fetched(PLACES, **facts)]

    def queries(self) -> int:
        """Those of a request, authentication and all: the larger of the two ways."""
        api = Requests(self.patient)
        day = self.crowd.first_day
        of_the_day = api.queries_of(
            "/api/appointments/check-availability/", {"doctor_id": self.crowd.therapist, "date": f"{day}"}
        )
        month = f"therapist={self.crowd.therapist}&date_from={day}&date_to={day + timedelta(days=DAYS - 1)}"
        listed = api.queries_of(f"/api/appointments/time-slots/?available_only=true&page_size=100&{month}")
        return max(of_the_day, listed)


def when_one_is_free(quick: bool) -> list[Figure]:
    """P7: a therapist among many whose next month is half taken."""
    therapists = 50 if quick else 300
    places = Places(make_crowd(therapists, therapists * 300, slot_days=DAYS, ahead=DAYS))
    fresh_statistics()
    assert places.of_the_day() == places.listed(1) == places.plain(1)
    month = places.plain(DAYS)
    assert places.listed(DAYS) == month
    works = {
        "day": places.of_the_day,
        "plain day": lambda: places.plain(1),
        "listed day": lambda: places.listed(1),
        "listed month": lambda: places.listed(DAYS),
        "plain month": lambda: places.plain(DAYS),
    }
    taken = medians(works, 20 if quick else 60)
    shown = {name: f"{seconds * 1000:.1f} ms" for name, seconds in taken.items()}
    day = f"{shown['day']}; plain SQL {shown['plain day']}"
    days = f"{shown['listed month']} for {len(month)} places; "
    return [
        Figure("one day against plain SQL", taken["day"] / taken["plain day"], 3, day, at_least=False),
        Figure(
            "30 days against plain SQL",
            taken["listed month"] / taken["plain month"],
            3,
            f"{days}plain SQL {shown['plain month']}",
            at_least=False,
        ),
        Figure(
            "30 days against one",
            taken["listed month"] / taken["listed day"],
            3,
            f"{days}one day {shown['listed day']}",
            at_least=False,
        ),
        Figure("queries of a request", places.queries(), 3, "authentication is one of them", at_least=False),
    ]


FREE_ROW = Row("P6", "who is free: 1,000 therapists, 100,000 appointments", who_is_free)
PLACES_ROW = Row("P7", "free places of one therapist, a day and 30 days", when_one_is_free)
