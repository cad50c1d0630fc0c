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


A_DAY = between(0, 1_440)  # in minutes
PERCENT = between(0, 100)


class Command(BaseCommand):
    help = (
        "Play a clinic's day through the real rules, on a clock of its own and in a database in memory: nothing is "
        "written to yours, and nobody is told. The same options and the same seed give the same day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = ArgumentDefaultsHelpFormatter
        day = Day()
        deadline = settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES
        silenced = "how long a suspended therapist stays suspended; 0: for the rest of the day"
        operators = "an operator's mean time to review a rejection, or to find another therapist"
        clinic, people, rules = (
            parser.add_argument_group(title) for title in ("the clinic", "how people behave", "the rules")
        )
        for group, name, unit, kind, default, meaning in (
            (clinic, "--therapists", "N", between(1, 500, int), day.therapists, "how many there are"),
            (clinic, "--bookings-per-hour", "N", between(0.1, 1_000), day.bookings_per_hour, "how many on average"),
            (clinic, "--hours", "HOURS", between(0.1, 24), day.hours, "how long bookings come in"),
            (people, "--answer-minutes", "MINUTES", A_DAY, day.answer_minutes, "a therapist's mean time to answer"),
            (people, "--reject-percent", "PERCENT", PERCENT, 100 * day.reject, "answers that are a no"),
            (people, "--silent-percent", "PERCENT", PERCENT, 100 * day.silent, "offers that nobody ever answers"),
            (people, "--operator-minutes", "MINUTES", A_DAY, day.operator_minutes, operators),
            (people, "--reinstate-minutes", "MINUTES", A_DAY, day.reinstate_minutes, silenced),
            (rules, "--deadline-minutes", "MINUTES", between(0.1, 1_440), deadline, "how long an offer waits"),
            (parser, "--seed", "N", between(0, 2**63, int), day.seed, "of the random numbers"),
        ):
            group.add_argument(name, metavar=unit, type=kind, default=default, help=meaning)
        rules.add_argument("--no-suspension", action="store_true", help="silence suspends nobody")
        rules.add_argument("--auto-reassign", action="store_true", help="search at once when an offer expires")
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
