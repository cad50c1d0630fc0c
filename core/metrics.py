"""What Prometheus reads: gauges whose values are asked from the database at each scrape, the same in every process."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Count, F, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily

from appointments.models import (
    Appointment,
    AppointmentReminder,
    AppointmentStatus,
    Assignment,
    AssignmentStatus,
    SuspensionBreaker,
)
from appointments.models.reminder import ReminderStatus
from appointments.policy import current_policy
from appointments.services.due import overdue
from core.accounts.models import Role, User
from core.broker import queue_lengths
from core.liveness.models import Heartbeat
from core.outbox.models import Lane, OutboxEntry

Values = Mapping[str, float]
registry: Final = CollectorRegistry()
# The relay sweeps each second and is relieved within ten: what is late by less is at work.
AT_WORK: Final = timedelta(seconds=10)


class Gauge:
    """One metric: `read(now)` gives a value for each value of its label, or for "" where it has none."""

    def __init__(self, name: str, meaning: str, label: str, read: Callable[[datetime], Values]) -> None:
        self._name, self._meaning, self._label, self._read = name, meaning, label, read

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metric without asking the database."""
        yield GaugeMetricFamily(self._name, self._meaning)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._meaning, labels=[self._label] if self._label else [])
        for value_of_label, value in self._read(timezone.now()).items():
            family.add_metric([value_of_label] if self._label else [], value)
        yield family


def gauge(name: str, meaning: str, *, label: str = "") -> Callable[[Callable[[datetime], Values]], None]:
    """Publish the decorated function as `appointments_<name>`."""

    def publish(read: Callable[[datetime], Values]) -> None:
        registry.register(Gauge(f"appointments_{name}", meaning, label, read))

    return publish


@gauge("deadline_lag_seconds", "How far the oldest unanswered offer is past its deadline; 0 when none is.")
def _deadline_lag(now: datetime) -> Values:
    waiting = Appointment.objects.filter(status=AppointmentStatus.PENDING, response_deadline__lt=now)
    oldest = waiting.aggregate(oldest=Min("response_deadline"))["oldest"]
    return {"": (now - oldest).total_seconds() if oldest else 0.0}


@gauge("overdue_offers", "Offers past their deadline that nobody has acted on, though there was time to.")
def _overdue(now: datetime) -> Values:
    return {"": float(overdue(now - AT_WORK, current_policy()).count())}


@gauge("rejections_waiting", "Rejections that no operator has reviewed.")
def _rejections_waiting(now: datetime) -> Values:
    return {"": float(Appointment.objects.filter(status=AppointmentStatus.REJECTED, hidden_at__isnull=True).count())}


@gauge("suspensions_recent", "Therapists suspended by a deadline within the breaker's window.")
def _suspensions_recent(now: datetime) -> Values:
    since = now - current_policy().breaker_window
    return {"": float(Assignment.objects.filter(suspended_therapist=True, ended_at__gt=since).count())}


@gauge("therapists_suspended", "Therapists whose account is suspended now.")
def _therapists_suspended(now: datetime) -> Values:
    return {"": float(User.objects.filter(role=Role.THERAPIST, is_active=False).count())}


@gauge("breaker_open", "1 while automatic suspensions are halted, by the institution's id.", label="institution")
def _breaker_open(now: datetime) -> Values:
    open_now = SuspensionBreaker.objects.filter(closed_at__isnull=True).values_list("institution_id", flat=True)
    return {str(institution_id): 1.0 for institution_id in open_now}


@gauge("reminders_today", "Reminders due since midnight (UTC), by what became of them.", label="status")
def _reminders(now: datetime) -> Values:
    due = AppointmentReminder.objects.filter(scheduled_for__gte=midnight(now), scheduled_for__lte=now)
    counted = due.order_by().values_list("status").annotate(Count("id"))
    return dict.fromkeys(ReminderStatus.values, 0.0) | {status: float(count) for status, count in counted}


def midnight(now: datetime) -> datetime:
    """The beginning of the day, in UTC: what is counted from there is the same in every process."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@gauge("offers_waiting", "Offers that wait for a therapist's answer.")
def _offers_waiting(now: datetime) -> Values:
    offers = Appointment.objects.filter(status=AppointmentStatus.PENDING, response_deadline__isnull=False)
    return {"": float(offers.count())}


@gauge("outbox_entries", "Effects that are promised and not carried out yet.", label="lane")
def _outbox_entries(now: datetime) -> Values:
    counted = OutboxEntry.objects.order_by().values_list("lane").annotate(Count("id"))
    return dict.fromkeys(Lane.values, 0.0) | {lane: float(count) for lane, count in counted}


@gauge("outbox_oldest_seconds", "The age of the oldest effect not carried out yet; 0 when there is none.", label="lane")
def _outbox_oldest(now: datetime) -> Values:
    oldest = OutboxEntry.objects.order_by().values_list("lane").annotate(Min("created_at"))
    return dict.fromkeys(Lane.values, 0.0) | {lane: (now - created).total_seconds() for lane, created in oldest}


@gauge("heartbeat_age_seconds", "How long a part has been silent.", label="part")
def _heartbeat_age(now: datetime) -> Values:
    beats = Heartbeat.objects.values_list("part", "beaten_at")
    return {part: (now - beaten_at).total_seconds() for part, beaten_at in beats}


@gauge("queue_messages", "Tasks that wait in the broker, by queue.", label="queue")
def _queue_messages(now: datetime) -> Values:
    return queue_lengths() or {}


class ExpiryLag:
    """How late each expiry of today (UTC) was: the same in every process, and begun anew at midnight like a restart."""

    name: Final = "appointments_expiry_lag_seconds"
    meaning: Final = "How long after its deadline each offer of today was acted on."
    bounds: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """Name the metric without asking the database."""
        yield HistogramMetricFamily(self.name, self.meaning)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        lags = _expiry_lags(timezone.now())
        buckets = [(str(bound), float(sum(lag <= bound for lag in lags))) for bound in self.bounds]
        buckets.append(("+Inf", float(len(lags))))
        yield HistogramMetricFamily(self.name, self.meaning, buckets=buckets, sum_value=sum(lags))


def _expiry_lags(now: datetime) -> list[float]:
    """In seconds; the deadline that was in force stands in the audit row of the same instant."""
    expired = Assignment.objects.filter(
        status=AssignmentStatus.EXPIRED, ended_at__gte=midnight(now), appointment__logs__timestamp=F("ended_at")
    )
    rows = expired.values_list("ended_at", "appointment__logs__old_values__response_deadline")
    return [(ended_at - datetime.fromisoformat(due)).total_seconds() for ended_at, due in rows if ended_at and due]


registry.register(ExpiryLag())
