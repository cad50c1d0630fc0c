"""Flower with every path of it behind basic auth; Flower itself leaves some open."""

import base64
import os
import secrets
import sys
from pathlib import Path

from flower.app import Flower
from tornado.web import RequestHandler

CREDENTIALS = os.environ.get("FLOWER_BASIC_AUTH", "")


def authorized(header: str) -> bool:
    """Tell whether an Authorization header carries the one pair of credentials."""
    expected = "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()
    return bool(CREDENTIALS) and secrets.compare_digest(header.encode(), expected.encode())


class Guarded(Flower):  # type: ignore[misc]
    """Refuses before any handler is chosen, so a new or forgotten path is behind the door as well."""

    def find_handler(self, request, **kwargs):  # type: ignore[no-untyped-def]
        if authorized(request.headers.get("Authorization", "")):
            return super().find_handler(request, **kwargs)
        return self.get_handler_delegate(request, Refusal)


class Refusal(RequestHandler):
    """401 for everything."""

    def prepare(self) -> None:
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Basic realm="Flower"')
        self.finish("Credentials are needed.")


def main() -> None:
    """Run Flower on FLOWER_PORT of the loopback interface."""
    if not CREDENTIALS:
        sys.exit("FLOWER_BASIC_AUTH expects user:password; without it Flower does not start.")
    import flower.command  # noqa: PLC0415 - only now is it certain that it may run
    from django.conf import settings  # noqa: PLC0415

    from core.celery import app  # noqa: PLC0415

    flower.command.Flower = Guarded
    address = os.environ.get("FLOWER_ADDRESS", "127.0.0.1")
    arguments = ["flower", f"--address={address}", f"--port={os.environ.get('FLOWER_PORT', '5555')}"]
    app.start(argv=[*arguments, *remembering(settings.DATA_DIR / "flower"), "--logging=warning"])


def remembering(directory: Path) -> list[str]:
    """What it has seen outlives a restart: written when it ends, and each minute in case it is killed."""
    directory.mkdir(mode=0o700, exist_ok=True)  # one that is mounted belongs to somebody else
    return ["--persistent=true", f"--db={directory / 'seen'}", "--state_save_interval=60000", "--max_tasks=10000"]


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main()
