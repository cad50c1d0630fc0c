"""People at a server over HTTP: a few connections that stay open, each with one request after another."""

import json
import threading
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import NamedTuple

from tests.benchmarks.measuring import timed


class Post(NamedTuple):
    """One request."""

    path: str
    body: dict[str, object]


class Answers(NamedTuple):
    """How long all took, and the status of each."""

    seconds: float
    statuses: list[int]


def send(port: int, token: str, posts: Sequence[Post], clients: int) -> Answers:
    """Send them all, each client its share; with as many clients as posts they come at the same moment."""
    statuses: list[int] = []
    ready = threading.Barrier(clients + 1)

    def client(share: Sequence[Post]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.connect()
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        ready.wait()
        for post in share:
            connection.request("POST", post.path, json.dumps(post.body), headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=client, args=(posts[place::clients],)) for place in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    with timed() as watch:
        for thread in threads:
            thread.join()
    return Answers(watch.seconds, statuses)
