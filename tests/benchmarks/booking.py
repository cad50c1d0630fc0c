"""P8: booking over HTTP beside check-then-insert on the same server, and twenty racers for one time."""

import threading
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

from django.db import connection
from django.test.utils import override_settings
from knox.models import AuthToken

from tests.benchmarks import peer
from tests.benchmarks.clients import Post, send
from tests.benchmarks.measuring import Figure, Row, timed
from tests.benchmarks.population import fresh_statistics
from tests.benchmarks.requests import Requests
from tests.benchmarks.workers import web
from tests.support.crowd import Crowd, make_crowd

CLIENTS = 8
ROUNDS = 3
RACERS = 20
RACES = 5
OURS, PEER, LEAN = "/api/scheduling/appointments/", "/peer/bookings/", "/peer/lean/"
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
        day, half_hour = divmod(period, peer.TIMES)
        opens = datetime.combine(self._crowd.last_day + timedelta(days=1 + day), time(peer.OPENS), UTC)
        start = opens + half_hour * HALF_HOUR
        return {
            "institution": self._crowd.institution.pk,
            "patient": self._crowd.patient + place,
            "therapist": self._crowd.therapist + place,
            "start": start.isoformat(),
            "end": (start + HALF_HOUR).isoformat(),
        }


def run(quick: bool) -> list[Figure]:
    """All in turns on one server whose broker is away; each has as many rows to look through."""
    number = 80 if quick else 320
    crowd = make_crowd(100, 2_000 if quick else 20_000)
    with peer.own_table():
        fresh_statistics()
        return _measured(crowd, number)


def _measured(crowd: Crowd, number: int) -> list[Figure]:
    token = AuthToken.objects.create(crowd.operator)[1]
    ours = {OURS: Times(crowd), PEER: Times(crowd), LEAN: Times(crowd)}
    ours[LEAN] = ours[PEER]  # one table
    seconds = dict.fromkeys(ours, 0.0)
    with web() as port:
        for _ in range(ROUNDS):
            for path, times in ours.items():
                answers = send(port, token, [Post(path, times.next()) for _ in range(number)], CLIENTS)
                assert set(answers.statuses) == {201}, (path, answers.statuses)
                seconds[path] += answers.seconds
        won = {path: [_winners(port, token, crowd, path, ours[path]) for _ in range(RACES)] for path in (OURS, PEER)}
    insert = _inserted(ours[OURS], number * ROUNDS)
    rate = {path: number * ROUNDS / taken for path, taken in seconds.items()}
    with override_settings(ROOT_URLCONF="tests.benchmarks.site"):
        queries = Requests(crowd.operator).queries_of(PEER, ours[PEER].next())
    detail = f"{rate[OURS]:.0f} bookings/s; a peer that asks {queries} queries {rate[PEER]:.0f}, one single check "
    detail += f"{rate[LEAN]:.0f}, one INSERT under the constraint {insert:,.0f}"
    races = f"{RACES} races of {RACERS}; check-then-insert lets {min(won[PEER])} to {max(won[PEER])} in"
    return [
        Figure("requests/s against the peers' way", rate[OURS] / rate[PEER], 2, detail),
        Figure("bookings of one time", max(won[OURS]), 1, races, at_least=False),
        Figure("races that somebody won", min(won[OURS]), 1, races),
    ]


def _winners(port: int, token: str, crowd: Crowd, path: str, times: Times) -> int:
    """How many of the racers were told that the time is theirs."""
    wanted = times.next()
    others = crowd.patient + crowd.therapists  # who have nothing yet at any of these times
    posts = [Post(path, {**wanted, "patient": others + place}) for place in range(RACERS)]
    return send(port, token, posts, RACERS).statuses.count(201)


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
