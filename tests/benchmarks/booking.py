"""P8: booking over HTTP beside another system on the same servers, and twenty racers for one time."""

import threading
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

from django.db import connection
from knox.models import AuthToken

from tests.benchmarks import peer
from tests.benchmarks.clients import Doing, Post, send
from tests.benchmarks.measuring import Figure, Row, timed
from tests.benchmarks.workers import web
from tests.support.crowd import Crowd, make_crowd

CLIENTS = 8
ROUNDS = 3
RACERS = 20
RACES = 5
OPENS, TIMES = 8, 16
HALF_HOUR = timedelta(minutes=30)
INSERT = """
INSERT INTO appointments_appointment (appointment_id, meeting_id, version, status, institution_id, patient_id,
    therapist_id, appointment_type, start, "end", appointment_date, appointment_time, duration_minutes,
    reason_for_visit, symptoms, notes, booking_method, video_url, open, cancellation_reason, consultation_fee, is_paid,
    payment_method, created_at, updated_at)
VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'confirmed', %(institution)s, %(patient)s, %(therapist)s, 'therapy',
    %(start)s, %(end)s, %(start)s::timestamptz::date, %(start)s::timestamptz::time, 30,
    '', '', '', 'online', '', false, '', 0, false, '', now(), now())
"""


class Times:
    """Times that nobody has yet: those of a day after the crowd's last, each therapist in turn."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd, self._places = crowd, count()

    def next(self) -> dict[str, Any]:
        period, place = divmod(next(self._places), self._crowd.therapists)
        day, half_hour = divmod(period, TIMES)
        opens = datetime.combine(self._crowd.last_day + timedelta(days=1 + day), time(OPENS), UTC)
        start = opens + half_hour * HALF_HOUR
        return {
            "institution": self._crowd.institution.pk,
            "patient": self._crowd.patient + place,
            "therapist": self._crowd.therapist + place,
            "start": start.isoformat(),
            "end": (start + HALF_HOUR).isoformat(),
        }


def run(quick: bool) -> list[Figure]:
    """Both in turns, each on its own web process on one database server; the product's broker is away."""
    number = 40 if quick else 160
    crowd = make_crowd(100, 2_000 if quick else 20_000)
    token = AuthToken.objects.create(crowd.operator)[1]
    with peer.site(RACERS) as (port, sessions), web() as our_port:
        sides = {"ours": Ours(our_port, crowd, token), "peer": Theirs(port, crowd, sessions)}
        rate = _rates(sides, number)
        won = {name: [side.winners() for _ in range(RACES)] for name, side in sides.items()}
    insert = _inserted(sides["ours"].times, number * ROUNDS)
    detail = f"{rate['ours']:.3g} bookings/s; django-appointment {rate['peer']:.3g}, three requests each; "
    detail += f"one INSERT under the constraint {insert:,.0f}"
    races = f"{RACES} races of {RACERS}; django-appointment lets {min(won['peer'])} to {max(won['peer'])} in"
    return [
        Figure("bookings/s against django-appointment", rate["ours"] / rate["peer"], 2, detail),
        Figure("bookings of one time", max(won["ours"]), 1, races, at_least=False),
        Figure("races that somebody won", min(won["ours"]), 1, races),
    ]


class Side:
    """One of the systems that are compared: where it is served, and how one books there."""

    def __init__(self, port: int, crowd: Crowd) -> None:
        self.port, self.crowd, self.times = port, crowd, Times(crowd)

    def booking(self, client: int, wanted: dict[str, Any]) -> Doing:
        """What a client does for one booking."""
        raise NotImplementedError

    def seconds(self, number: int) -> float:
        """How long so many bookings of different times took, all of them granted."""
        doings = [self.booking(place % CLIENTS, self.times.next()) for place in range(number)]
        sent = send(self.port, doings, CLIENTS)
        assert all(answer.status == 201 for answer in sent.answers), sent.answers[:3]
        return sent.seconds

    def winners(self) -> int:
        """How many of the racers were told that the time is theirs."""
        wanted = self.times.next()
        others = self.crowd.patient + self.crowd.therapists  # who have nothing yet at any of these times
        doings = [self.booking(place, {**wanted, "patient": others + place}) for place in range(RACERS)]
        return [answer.status for answer in send(self.port, doings, RACERS).answers].count(201)


class Ours(Side):
    def __init__(self, port: int, crowd: Crowd, token: str) -> None:
        super().__init__(port, crowd)
        self._token = token

    def booking(self, client: int, wanted: dict[str, Any]) -> Doing:
        return Post(self._token, "/api/scheduling/appointments/", wanted)


class Theirs(Side):
    def __init__(self, port: int, crowd: Crowd, sessions: list[str]) -> None:
        super().__init__(port, crowd)
        self._sessions = sessions

    def booking(self, client: int, wanted: dict[str, Any]) -> Doing:
        return peer.Booking(self._sessions[client], wanted)


def _rates(sides: dict[str, Side], number: int) -> dict[str, float]:
    """Bookings a second of each."""
    seconds = dict.fromkeys(sides, 0.0)
    for _ in range(ROUNDS):
        for name, side in sides.items():
            seconds[name] += side.seconds(number)
    return {name: number * ROUNDS / taken for name, taken in seconds.items()}


def _inserted(times: Times, number: int) -> float:
    """Rows a second of nothing but the INSERT, from as many clients."""
    rows = [times.next() for _ in range(number)]
    database: Any = connection

    def client(share: list[dict[str, Any]]) -> None:
        with database.Database.connect(**database.get_connection_params(), autocommit=True) as own:
            for row in share:
                own.execute(INSERT, row)

    threads = [threading.Thread(target=client, args=(rows[place::CLIENTS],)) for place in range(CLIENTS)]
    with timed() as watch:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return number / watch.seconds


ROW = Row("P8", "booking over HTTP, 8 clients, and 20 racers for one time", run)
