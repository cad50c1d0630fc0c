import gc
import subprocess
import sys

import pytest


@pytest.mark.once
def test_nothing_is_collected_while_it_is_loaded() -> None:
    subprocess.run([sys.executable, "-c", "import core, gc; assert not gc.isenabled()"], check=True)


def test_what_was_loaded_is_left_alone_and_what_comes_after_it_collected() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000
