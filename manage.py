#!/usr/bin/env python3
"""Django's command line; runs in the project's own virtual environment where Django is not importable."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"


def main() -> None:
    """Run the command."""
    if find_spec("django") is None:
        if not VENV_PYTHON.exists() or Path(sys.prefix) == ROOT / ".venv":
            sys.exit("Django is not installed. Run ./deploy/up once: it makes the virtual environment.")
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])  # noqa: S606 - itself, in its own environment
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - only now is it importable

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
