"""When each offer's end was there to be seen, by another client of the database."""

import threading
import time
from types import TracebackType
from typing import Any, Self

from django.db import connection

HEARD = "bench_moved"
# A notice holds 8,000 bytes; a sweep moves more rows than that has room for.
IDS_A_NOTICE = 500
TRIGGER = f"""
CREATE OR REPLACE FUNCTION {HEARD}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{HEARD}', string_agg(id::text, ','))
    FROM (SELECT id, row_number() OVER () / {IDS_A_NOTICE} AS part FROM changed) AS parts GROUP BY part;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER {HEARD} AFTER UPDATE ON appointments_appointment
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {HEARD}();
"""


class Watcher:
    """A context in which `seen` maps each appointment to the moment at which its first commit was heard of."""

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}
        self._stop = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        with connection.cursor() as cursor:
            cursor.execute(TRIGGER)
        self._thread.start()
        self._listening.wait(10)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {HEARD} ON appointments_appointment")

    def _listen(self) -> None:
        database: Any = connection
        with database.Database.connect(**database.get_connection_params(), autocommit=True) as own:
            own.execute(f"LISTEN {HEARD}")
            self._listening.set()
            while not self._stop.is_set():
                for notice in own.notifies(timeout=0.2):
                    moment = time.time()
                    for pk in filter(None, notice.payload.split(",")):
                        self.seen.setdefault(int(pk), moment)
