"""The simulator plays the real rules; it repeats itself for a seed and leaves no trace."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from appointments.models import Appointment
from appointments.simulation import Day, Outcome, simulate
from core.accounts.models import Institution, User

pytestmark = [pytest.mark.django_db, pytest.mark.once]
SHORT = {"therapists": 4, "hours": 2, "bookings_per_hour": 10}


def play(**options: float) -> Outcome:
    return simulate(Day(**{**SHORT, **options}))  # type: ignore[arg-type]


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("simulate", "--hours", "1", "--therapists", "4", "--bookings-per-hour", "8", *arguments, stdout=out)
    return out.getvalue()


def test_every_booking_and_every_offer_has_come_to_something() -> None:
    found = play(silent=0.2, reject=0.2)
    assert found.bookings > 10
    assert found.bookings == found.turned_away + found.accepted + found.nobody_left + found.unsettled
    withdrawn = Appointment.objects.filter(assignments__status="withdrawn").count()
    assert found.offers == found.accepted + found.rejected + found.timed_out + withdrawn
    assert found.unsettled == 0
    assert min(found.accepted, found.rejected, found.timed_out, found.reassigned, found.suspensions) > 0


def test_where_everybody_answers_at_once_nobody_waits() -> None:
    found = play(answer_minutes=0, reject=0, silent=0)
    assert found.accepted == found.offers == found.bookings - found.turned_away
    assert (found.timed_out, found.suspensions, found.wait(1)) == (0, 0, 0)


def test_where_nobody_answers_every_offer_times_out() -> None:
    found = play(silent=1, reinstate_minutes=0)
    assert (found.accepted, found.rejected, found.wait(0.5)) == (0, 0, None)
    assert found.timed_out > 0
    assert found.reinstated == 0
    assert 0 < found.suspensions <= SHORT["therapists"]


def test_a_deadline_is_kept_to_the_second() -> None:
    found = play(answer_minutes=20, silent=0, reject=0)
    answered = Appointment.objects.filter(status="confirmed", assignments__origin="operator")
    waits = [(one.confirmed_at - one.created_at).total_seconds() for one in answered if one.assignments.count() == 1]  # type: ignore[operator]
    assert found.timed_out > 0
    assert max(waits) < 30 * 60


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    first, again, other = (command("--json", "--seed", seed) for seed in ("7", "7", "8"))
    assert first == again
    assert json.loads(first) != json.loads(other)


def test_the_command_prints_what_came_of_it_and_touches_no_database_of_ours() -> None:
    before = connection.settings_dict["NAME"]
    lines = command("--silent-percent", "30").splitlines()
    words = ("bookings", "accepted", "reassigned", "rejected", "timed out", "suspensions", "wait until accepted")
    assert [word for word in words if not any(line.strip().startswith(word) for line in lines)] == []
    assert connection.settings_dict["NAME"] == before
    assert (Institution.objects.count(), User.objects.count(), Appointment.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("option", "value"), [("--therapists", "0"), ("--reject-percent", "101"), ("--seed", "x"), ("--hours", "nan")]
)
def test_a_bad_option_is_named_with_what_it_expects(option: str, value: str) -> None:
    with pytest.raises(CommandError, match=rf"{option}.*expects a number from"):
        command(option, value)


def test_no_suspension_and_a_longer_deadline_can_be_tried() -> None:
    found = json.loads(command("--json", "--no-suspension", "--silent-percent", "40", "--deadline-minutes", "5"))
    assert found["timed_out"] > 0
    assert found["suspensions"] == 0
