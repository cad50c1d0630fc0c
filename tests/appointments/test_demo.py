"""The demo clinic: everything the contract promises of it, however often it is seeded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from appointments.demo import seed
from appointments.models import (
    Appointment,
    AppointmentLog,
    AppointmentReminder,
    AppointmentStatus,
    SuspensionBreaker,
    TimeOff,
    TimeSlot,
    WaitingOffer,
)
from appointments.services import attendance
from appointments.services.sweeps import expire_due
from core.accounts import services as accounts
from core.accounts.models import AccountLog, Role, User
from tests.appointments.moves import NOW
from tests.appointments.replay import present, replayed
from tests.support.lasting import lasting

pytestmark = [pytest.mark.django_db, pytest.mark.once]
SEEDED = datetime(2031, 3, 3, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def seeded(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[datetime]:
    """When it was seeded, once for all tests: at another moment where a test names one."""
    now: datetime = getattr(request, "param", SEEDED)
    with lasting(django_db_blocker):
        seed(now)
        yield now


def test_the_two_clinics_have_their_people() -> None:
    names = set(User.objects.values_list("username", flat=True))
    expected = {"operator", "operator2", "admin", "therapist", "patient", "hill_operator", "hill_therapist"}
    expected |= {"hill_patient", *(f"therapist{n}" for n in range(2, 9)), *(f"patient{n}" for n in range(2, 7))}
    assert names == expected


def test_every_password_is_demo() -> None:
    assert all(user.check_password("demo") for user in User.objects.filter(username__in=("operator", "admin")))
    assert User.objects.exclude(role=Role.ADMIN).values("password").distinct().count() == 1


def test_there_is_an_appointment_in_every_status() -> None:
    assert set(Appointment.objects.values_list("status", flat=True)) == set(AppointmentStatus.values)


def test_every_therapist_has_sixteen_places_on_each_of_fourteen_days() -> None:
    for therapist in User.objects.filter(role=Role.THERAPIST):
        slots = TimeSlot.objects.filter(therapist=therapist)
        assert (slots.count(), slots.values("date").distinct().count()) == (16 * 14, 14)


def test_slots_are_on_the_clinics_own_clock() -> None:
    slot = TimeSlot.objects.filter(therapist__username="therapist").earliest("start")
    assert slot.start.astimezone(ZoneInfo("Asia/Karachi")).hour == 9


def test_future_appointments_are_today_and_tomorrow_only() -> None:
    tomorrow = SEEDED.astimezone(ZoneInfo("Asia/Karachi")).date() + timedelta(days=1)
    assert Appointment.objects.latest("start").appointment_date <= tomorrow


def test_seeded_offers_never_suspend_anyone() -> None:
    offers = Appointment.objects.filter(response_deadline__isnull=False)
    assert set(offers.values_list("origin", flat=True)) == {"patient"}
    expire_due(SEEDED + timedelta(days=30), manual=True)
    assert not User.objects.filter(is_active=False).exists()


def test_every_appointment_has_come_about_by_the_rules() -> None:
    """Its timeline, replayed, gives what it is, and nothing in it lies ahead."""
    for appointment in Appointment.objects.all():
        told = replayed(appointment.pk)
        assert told == present(appointment.pk, set(told)), appointment.status
    assert AppointmentLog.objects.latest("timestamp").timestamp <= SEEDED


def test_offers_wait_for_a_day_or_until_their_start() -> None:
    for offer in Appointment.objects.filter(response_deadline__isnull=False):
        assert offer.response_deadline == min(SEEDED + timedelta(hours=24), offer.start)


def test_what_was_accepted_for_tomorrow_will_be_reminded_of() -> None:
    awaited = Appointment.objects.filter(status__in=("confirmed", "assigned"))
    assert awaited
    assert all(one.reminders.filter(status="pending").exists() for one in awaited)


def test_the_reminders_of_past_visits_went_out_and_none_after_their_end() -> None:
    past = AppointmentReminder.objects.filter(appointment__start__lt=SEEDED)
    assert set(past.filter(appointment__status="completed").values_list("status", flat=True)) == {"sent"}
    assert set(past.filter(appointment__status="cancelled").values_list("status", flat=True)) == {"sent", "cancelled"}


def test_a_place_that_is_given_up_is_offered_to_who_waits_for_it() -> None:
    taken = Appointment.objects.get(status="confirmed", therapist__username="therapist")
    attendance.cancel(taken.pk, "I am ill", taken.patient, SEEDED)
    offer = WaitingOffer.objects.get()
    assert (offer.entry.patient.username, offer.status) == ("patient6", "offered")


def test_seeding_suspends_nobody_and_opens_no_breaker() -> None:
    assert not AccountLog.objects.exists()
    assert not SuspensionBreaker.objects.exists()


def test_the_rules_that_seeding_needs_are_gone_again(settings: Settings) -> None:
    assert settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES == 30


@pytest.mark.parametrize("seeded", [SEEDED.replace(hour=hour, minute=59) for hour in (0, 8, 18, 23)], indirect=True)
def test_it_can_be_seeded_at_any_hour(seeded: datetime) -> None:
    assert set(Appointment.objects.values_list("status", flat=True)) == set(AppointmentStatus.values)
    assert AppointmentLog.objects.latest("timestamp").timestamp <= seeded


def test_seeding_again_adds_nothing() -> None:
    before = (User.objects.count(), Appointment.objects.count(), TimeSlot.objects.count())
    assert seed(SEEDED) == []
    assert before == (User.objects.count(), Appointment.objects.count(), TimeSlot.objects.count())


def test_seeding_again_reinstates_the_demo_accounts() -> None:
    therapist = User.objects.get(username="therapist")
    accounts.suspend(therapist.pk, reason="no answer", actor=None, now=NOW)
    User.objects.filter(pk=therapist.pk).update(taking_appointments=False)
    until = SEEDED + timedelta(days=3)
    TimeOff.objects.create(therapist=therapist, start=SEEDED, end=until, created_by=therapist, created_at=SEEDED)
    seed(SEEDED)
    therapist.refresh_from_db()
    assert (therapist.is_active, therapist.taking_appointments) == (True, True)
    assert not TimeOff.objects.exists()


def test_seeding_again_leaves_time_alone_that_somebody_has_published_otherwise() -> None:
    therapist = User.objects.get(username="therapist8")
    nine = TimeSlot.objects.filter(therapist=therapist).latest("start")
    TimeSlot.objects.filter(pk=nine.pk).update(start=nine.start + timedelta(minutes=10))
    seed(SEEDED)
    assert TimeSlot.objects.filter(therapist=therapist).count() == 16 * 14
