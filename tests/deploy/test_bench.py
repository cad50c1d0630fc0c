"""What the benchmarks' figures are compared with, and how."""

import pytest

from tests.benchmarks.measuring import Figure, in_turns, percentile
from tests.benchmarks.plans import path_of
from tests.support.hot_queries import QUERIES

pytestmark = pytest.mark.once


@pytest.mark.parametrize(("measured", "ok"), [(0.32, False), (0.34, True)])
def test_a_figure_that_should_be_large_is_ok_from_its_goal_on(measured: float, ok: bool) -> None:
    assert Figure("rows/s", measured, 1 / 3, "").ok is ok


@pytest.mark.parametrize(("measured", "ok"), [(2.9, True), (3.1, False)])
def test_a_figure_that_should_be_small_is_ok_up_to_its_goal(measured: float, ok: bool) -> None:
    assert Figure("p50", measured, 3, "", at_least=False).ok is ok


def test_a_missed_goal_is_said_in_the_table() -> None:
    assert Figure("p50", 3.1, 3, "3 ms", at_least=False).cells() == ("p50", "≤ 3", "3.1", "MISSED", "3 ms")


def test_a_figure_without_a_goal_is_shown_and_misses_none() -> None:
    figure = Figure("p50", 3.1, None, "3 ms")
    assert figure.ok
    assert figure.cells() == ("p50", "", "3.1", "", "3 ms")


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_works_are_measured_in_turns_after_a_round_that_fills_caches() -> None:
    done: list[str] = []
    seconds = in_turns({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, 2)
    assert "".join(done) == "ababab"
    assert [len(taken) for taken in seconds.values()] == [2, 2]


@pytest.mark.parametrize("name", QUERIES)
def test_the_plan_that_is_kept_of_a_hot_query_reads_its_index(name: str) -> None:
    plan = path_of(name).read_text()
    assert any(f" {index} " in plan for index in QUERIES[name][1]), plan
