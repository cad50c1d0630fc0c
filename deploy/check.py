"""One assignment end to end against a running system: HTTP → database → relay → ETA task → expiry → WebSocket."""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets
from websockets.typing import Subprotocol

from core.celery import app

PATIENCE_SECONDS = 20
EXPIRY = "tasks.deadlines.expire_assignment"
WORKERS = ("worker", "deadlines")
# A proxy from the environment has no business on the loopback.
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url: str, body: dict[str, Any] | None = None, token: str | None = None) -> Any:
    """One JSON request; GET without a body. Exits with the server's words when it refuses."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Token {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        with http.open(urllib.request.Request(url, data, headers), timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{url} answered {refused.code}: {refused.read().decode(errors='replace')}") from None


def workers() -> list[str]:
    """The kinds of worker that answer now."""
    answers = app.control.inspect(timeout=1).ping() or {}
    return [kind for kind in WORKERS if any(name.startswith(f"{kind}@") for name in answers)]


def wait_for_workers() -> None:
    """Return when both kinds answer. Exits when they do not."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (alive := workers()) != list(WORKERS):
        if time.monotonic() > give_up:
            raise SystemExit(f"of the workers {', '.join(WORKERS)} only {', '.join(alive) or 'none'} answered")


def see_scheduled(name: str) -> None:
    """Return when the task waits for its ETA in a worker. Exits when it does not within three seconds."""
    give_up = time.monotonic() + 3
    while True:
        answers = app.control.inspect(timeout=0.5).scheduled() or {}
        waiting = [each["request"]["name"] for tasks in answers.values() for each in tasks]
        if name in waiting:
            return
        if time.monotonic() > give_up:
            raise SystemExit(f"{name} does not wait in a worker, only {waiting}")


async def next_event(socket: Any, kind: str, appointment: int) -> dict[str, Any]:
    """The next event of this kind about this appointment; others are passed over."""
    while True:
        event: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS))
        about = (event.get("data") or {}).get("appointment") or {}
        if event["type"] == kind and about.get("id") == appointment:
            return event


async def main(url: str) -> None:
    """Assign, wait, and say at each step what was seen."""
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:6.2f} s  {text}", flush=True)

    wait_for_workers()
    say("both workers answer")
    login = call(f"{url}/api/auth/login/", {"username": "operator", "password": "demo"})
    token = login["token"]
    say("logged in over HTTP as the operator")
    api = f"{url}/api/scheduling"
    therapists = call(f"{api}/therapists/?search=therapist8", token=token)["results"]
    patients = call(f"{url}/api/auth/login/", {"username": "patient6", "password": "demo"})["user"]
    async with websockets.connect(
        url.replace("http", "ws", 1) + "/ws/events/",
        subprotocols=[Subprotocol("events.v1"), Subprotocol(f"knox.{token}")],
        proxy=None,
    ) as socket:
        json.loads(await socket.recv())
        say("WebSocket connected")
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)
        made = call(f"{api}/appointments/", {"patient": patients["id"], "start": start.isoformat()}, token)
        assigned = call(f"{api}/appointments/{made['id']}/assign/", {"therapist": therapists[0]["id"]}, token)
        deadline = datetime.fromisoformat(assigned["response_deadline"])
        say(f"assigned; the answer is due in {(deadline - datetime.now(UTC)).total_seconds():.1f} s")
        await next_event(socket, "appointment_assigned", made["id"])
        say("WebSocket: appointment_assigned")
        await asyncio.to_thread(see_scheduled, EXPIRY)
        say(f"the ETA task {EXPIRY} waits in its worker")
        await next_event(socket, "deadline_approaching", made["id"])
        say("WebSocket: deadline_approaching")
        await next_event(socket, "appointment_auto_cancelled", made["id"])
        late = (datetime.now(UTC) - deadline).total_seconds()
        say(f"WebSocket: appointment_auto_cancelled, {late:.3f} s after the deadline")
    shown = call(f"{api}/appointments/{made['id']}/", token=token)
    account = call(f"{api}/therapists/{therapists[0]['id']}/", token=token)
    if shown["status"] != "auto_cancelled" or account["is_active"]:
        raise SystemExit(f"expected auto_cancelled and a suspended therapist, saw {shown['status']}, {account}")
    say("the appointment is auto_cancelled, the therapist suspended")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
