import gc


def test_what_was_loaded_is_left_alone_and_what_comes_after_it_collected() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000
