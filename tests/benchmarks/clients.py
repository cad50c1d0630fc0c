"""People at a server over HTTP: a few connections that stay open, each with one thing done after another."""

import json
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from typing import NamedTuple

from tests.benchmarks.measuring import timed


class Answer(NamedTuple):
    """How something ended that was asked for."""

    status: int
    text: bytes


# What somebody does on their connection, and how it ended.
Doing = Callable[[HTTPConnection], Answer]


class Post(NamedTuple):
    """One request of somebody who is signed in with a token."""

    token: str
    path: str
    body: dict[str, object]

    def __call__(self, connection: HTTPConnection) -> Answer:
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        connection.request("POST", self.path, json.dumps(self.body), headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())


class Sent(NamedTuple):
    """How long all took, and how each ended."""

    seconds: float
    answers: list[Answer]


def send(port: int, doings: Sequence[Doing], clients: int) -> Sent:
    """Do them all, each client its share; with as many clients as doings they come at the same moment."""
    answers: list[Answer] = []
    ready = threading.Barrier(clients + 1)

    def client(share: Sequence[Doing]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.connect()
        ready.wait()
        answers.extend(do(connection) for do in share)
        connection.close()

    threads = [threading.Thread(target=client, args=(doings[place::clients],)) for place in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    with timed() as watch:
        for thread in threads:
            thread.join()
    assert len(answers) == len(doings), "a client failed"
    return Sent(watch.seconds, answers)
