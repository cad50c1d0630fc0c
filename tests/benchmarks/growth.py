"""How the reads and the sweep fare as a clinic grows: index work grows with the logarithm, rows with their number."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from appointments.models import Appointment
from appointments.services.sweeps import expire_due
from tests.benchmarks.availability import Free, Places
from tests.benchmarks.listing import lists_of, readers
from tests.benchmarks.measuring import Figure, Row, medians, timed
from tests.benchmarks.population import fresh_statistics
from tests.support.crowd import Crowd, make_crowd

SIZES = (10_000, 100_000, 1_000_000)
DUE = 500
# Of the same number of rows: twice the logarithm's growth, for the machine is never still.
MOST = 3.0
ASSIGNMENTS = """
INSERT INTO appointments_assignment (appointment_id, therapist_id, origin, status, assigned_at, notified_at, warned_at,
    full_clock, suspended_therapist, extended_by_therapist)
SELECT id, therapist_id, 'operator', 'offered', now(), now(), now(), true, false, false FROM appointments_appointment
WHERE id = ANY(%s)
"""


def run(quick: bool) -> list[Figure]:
    """Each size on an empty database; a figure is the largest against the smallest."""
    sizes = [size // 10 for size in SIZES] if quick else SIZES
    taken: dict[str, list[float]] = {}
    for size in sizes:
        call_command("flush", interactive=False, verbosity=0)
        for name, seconds in _measured(make_crowd(size // 100, size, slot_days=1)).items():
            taken.setdefault(name, []).append(seconds)
    return [_figure(name, seconds) for name, seconds in taken.items()]


@override_settings(SUSPENSION_BREAKER_MIN=1_000_000)
def _measured(crowd: Crowd) -> dict[str, float]:
    fresh_statistics()
    free, places, people = Free(crowd), Places(crowd), readers(crowd)
    works: dict[str, Callable[[], object]] = {"P7 a day's places": places.of_the_day}
    works |= {f"P12 {name}": partial(people[who], path) for name, (who, path) in lists_of(crowd).items()}
    found = len(free.ours())
    each = medians({"free": free.ours}, 5)["free"] / found
    return {"P6 a therapist who is free": each, **medians(works, 9), "P1 an expiry": _expiry(crowd)}


def _expiry(crowd: Crowd) -> float:
    """Seconds for one of a few hundred offers that are overdue among all."""
    offered = Appointment.objects.filter(institution=crowd.institution, response_deadline__isnull=False)
    ids = list(offered.order_by("pk").values_list("pk", flat=True)[:DUE])
    with connection.cursor() as cursor:
        cursor.execute(ASSIGNMENTS, [ids])
    now = timezone.now()
    Appointment.objects.filter(pk__in=ids).update(response_deadline=now - timedelta(seconds=1))
    with timed() as watch:
        expired = expire_due(now)
    assert len(expired.appointments) == len(ids)
    return watch.seconds / len(ids)


def _figure(name: str, seconds: list[float]) -> Figure:
    shown = ", ".join(f"{each * 1000:,.3g}" for each in seconds)
    return Figure(name, seconds[-1] / seconds[0], MOST, f"{shown} ms", at_least=False)


ROW = Row("grow", "10,000, 100,000 and 1,000,000 appointments, 100 for each therapist", run)
