from pathlib import Path

from pytest_django.fixtures import Settings

from core.liveness.pulse import pulse


def test_each_pulse_touches_the_file(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "alive"
    settings.LIVENESS_FILE = str(file)
    pulse()
    file.touch()
    made = file.stat().st_mtime_ns
    while file.stat().st_mtime_ns == made:
        pulse()


def test_without_a_file_there_is_nothing_to_touch(settings: Settings) -> None:
    settings.LIVENESS_FILE = ""
    pulse()


def test_a_file_that_cannot_be_touched_ends_nothing(tmp_path: Path, settings: Settings) -> None:
    settings.LIVENESS_FILE = str(tmp_path / "gone" / "alive")
    pulse()
