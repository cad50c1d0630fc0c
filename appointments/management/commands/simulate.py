import json
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.test.utils import override_settings

from appointments.simulation import VISIT_DAYS, Day, Outcome, simulate
from core.scratch import scratch_database


def between(least: float, most: float, kind: type = float) -> Callable[[str], Any]:
    """An argument's type: a number within bounds."""

    def number(raw: str) -> Any:
        try:
            value = kind(raw)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise ArgumentTypeError(f"expects a number from {least:g} to {most:g}, not {raw!r}")
        return value

    return number


class Command(BaseCommand):
    help = (
        "Play a clinic's day through the real rules, on a clock of its own and in a database in memory: nothing is "
        "written to yours, and nobody is told. The same options and the same seed give the same day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = ArgumentDefaultsHelpFormatter
        day = Day()
        clinic = parser.add_argument_group("the clinic")
        clinic.add_argument(
            "--therapists", metavar="N", type=between(1, 500, int), default=day.therapists, help="how many there are"
        )
        clinic.add_argument(
            "--bookings-per-hour",
            metavar="N",
            type=between(0.1, 1_000),
            default=day.bookings_per_hour,
            help="how many on average",
        )
        clinic.add_argument(
            "--hours", metavar="HOURS", type=between(0.1, 24), default=day.hours, help="how long bookings come in"
        )
        people = parser.add_argument_group("how people behave")
        people.add_argument(
            "--answer-minutes",
            metavar="MINUTES",
            type=between(0, 1_440),
            default=day.answer_minutes,
            help="a therapist's mean time to answer",
        )
        people.add_argument(
            "--reject-percent",
            metavar="PERCENT",
            type=between(0, 100),
            default=100 * day.reject,
            help="answers that are a no",
        )
        people.add_argument(
            "--silent-percent",
            metavar="PERCENT",
            type=between(0, 100),
            default=100 * day.silent,
            help="offers that nobody ever answers",
        )
        people.add_argument(
            "--operator-minutes",
            metavar="MINUTES",
            type=between(0, 1_440),
            default=day.operator_minutes,
            help="an operator's mean time to review a rejection, or to find another therapist",
        )
        people.add_argument(
            "--reinstate-minutes",
            metavar="MINUTES",
            type=between(0, 1_440),
            default=day.reinstate_minutes,
            help="how long a suspended therapist stays suspended; 0: for the rest of the day",
        )
        rules = parser.add_argument_group("the rules")
        rules.add_argument(
            "--deadline-minutes",
            metavar="MINUTES",
            type=between(0.1, 1_440),
            default=settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES,
            help="how long an offer waits",
        )
        rules.add_argument("--no-suspension", action="store_true", help="silence suspends nobody")
        rules.add_argument("--auto-reassign", action="store_true", help="search at once when an offer expires")
        parser.add_argument(
            "--seed", metavar="N", type=between(0, 2**63, int), default=day.seed, help="of the random numbers"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        day = Day(
            therapists=options["therapists"],
            bookings_per_hour=options["bookings_per_hour"],
            hours=options["hours"],
            answer_minutes=options["answer_minutes"],
            reject=options["reject_percent"] / 100,
            silent=options["silent_percent"] / 100,
            operator_minutes=options["operator_minutes"],
            reinstate_minutes=options["reinstate_minutes"],
            seed=options["seed"],
        )
        rules = override_settings(
            DEFAULT_RESPONSE_TIMEOUT_MINUTES=options["deadline_minutes"],
            AUTO_CANCEL_ENABLED=True,
            BOOKING_HORIZON_DAYS=VISIT_DAYS + 1,
            AUTO_DISABLE_THERAPISTS=not options["no_suspension"],
            AUTO_REASSIGN_ON_TIMEOUT=options["auto_reassign"],
        )
        with rules, scratch_database():
            found = simulate(day)
        if options["json"]:
            waits = {"median": found.wait(0.5), "p90": found.wait(0.9), "longest": found.wait(1)}
            self.stdout.write(json.dumps({**asdict(found), "waits": waits}))
            return
        for line in as_lines(found):
            self.stdout.write(line)


def as_lines(found: Outcome) -> Iterator[str]:
    """The outcome for people."""
    booked = found.bookings - found.turned_away
    yield f"bookings          {found.bookings:5}   {found.turned_away} found no free time"
    yield f"accepted          {found.accepted:5}   {_share(found.accepted, booked)} of the appointments"
    yield f"reassigned        {found.reassigned:5}   {_share(found.reassigned, booked)} went to more than one therapist"
    yield f"nobody left       {found.nobody_left:5}   cancelled: no therapist available"
    yield f"unsettled         {found.unsettled:5}"
    yield f"offers            {found.offers:5}"
    yield f"  rejected        {found.rejected:5}   {_share(found.rejected, found.offers)} of the offers"
    yield f"  timed out       {found.timed_out:5}   {_share(found.timed_out, found.offers)} of the offers"
    yield f"suspensions       {found.suspensions:5}   {found.reinstated} reinstated"
    yield f"breaker opened    {found.breaker_opened:5}"
    waits = (found.wait(0.5), found.wait(0.9), found.wait(1))
    median, most, longest = ("none" if wait is None else f"{wait:.1f} min" for wait in waits)
    yield f"wait until accepted: median {median}, 90 % within {most}, longest {longest}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
