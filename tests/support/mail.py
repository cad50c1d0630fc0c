"""A mail server of the tests' own, on a port of its own; it takes mails, or refuses them in many ways."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_django.fixtures import Settings

from tests.realtime.conftest import free_port


@dataclass
class Mailbox:
    """`answers`: what DATA or RCPT is answered with, by recipient; `slow` seconds pass before each mail is taken."""

    port: int = 0
    slow: float = 0
    letters: list[tuple[str, EmailMessage]] = field(default_factory=list)
    rcpt_answers: dict[str, str] = field(default_factory=dict)
    data_answers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.rcpt_answers:
            return self.rcpt_answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(self.slow)
        address = envelope.rcpt_tos[0]
        if address in self.data_answers:
            return self.data_answers[address]
        parsed = message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default)
        self.letters.append((address, parsed))
        if self.hang_up:
            server.transport.abort()
        return "250 taken"

    @property
    def recipients(self) -> list[str]:
        return [address for address, _ in self.letters]


@contextmanager
def mail_server(**options: Any) -> Iterator[Mailbox]:
    """A server that runs for the length of the block."""
    mailbox = Mailbox(port=free_port(), **options)
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    """The server that this test's mails go to."""
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server
