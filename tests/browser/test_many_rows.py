"""A thousand offers on one page: what an event and a second cost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.clients import Person, in_days
from tests.support.stack import Stack

ROWS = 1_000
EVENT_MS, TICK_MS = 50, 10
SHOWN = "id => document.querySelector(`[data-testid='${id}']`)"
CLAIMED = """
id => document.querySelector(`[data-testid='${id}']`).textContent.includes("You're on it")
"""
COUNTING = """
globalThis.ticks = 0
const later = setTimeout
globalThis.setTimeout = (run, wait, ...given) => later(() => {
    run(...given)
    if (run.name === 'tick') ticks += 1
}, wait)
"""


@pytest.fixture(scope="module")
def crowded(stack: Stack, people: Callable[[str], Person]) -> list[int]:
    """Offers of the other clinic, half an hour after one another, none of them due."""
    operator = people("hill_operator")
    made = operator.post("appointments/", {"patient": people("hill_patient").id, "start": in_days(60)})
    assert operator.act(made.body["id"], "assign", therapist=people("hill_therapist").id).status == 200
    printed = stack.python(
        "import uuid; from datetime import timedelta; from appointments.models import Appointment\n"
        f"first = Appointment.objects.get(pk={made.body['id']})\n"
        "def copy(number):\n"
        "    one, late = Appointment.objects.get(pk=first.pk), timedelta(minutes=30 * number)\n"
        "    one.pk, one.appointment_id, one.meeting_id = None, uuid.uuid4(), uuid.uuid4()\n"
        "    one.start, one.end = first.start + late, first.end + late\n"
        "    one.response_deadline += timedelta(seconds=number)\n"
        "    one.warn_at += timedelta(seconds=number)\n"
        "    return one\n"
        f"Appointment.objects.bulk_create([copy(number) for number in range(1, {ROWS})])\n"
        "print(*Appointment.objects.filter(start__gte=first.start).order_by('response_deadline')"
        ".values_list('pk', flat=True))"
    )
    return [int(word) for word in printed.split()]


class Script:
    """How long the page's script has run, in ms of the processor: of the clock it is longer on a busy machine."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def ms(self) -> float:
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1_000 * next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration")


def test_a_thousand_rows_are_shown_and_stay_quick(
    opened: Open, crowded: list[int], people: Callable[[str], Person]
) -> None:
    page = opened("hill_operator", "/operator/", prepare=lambda page: page.add_init_script(COUNTING))
    # An `expect` that fails describes the whole page each time, which takes longer than to load it.
    page.wait_for_function(SHOWN, arg=f"appointment-{crowded[-1]}", polling=250, timeout=60_000)
    assert page.locator("#panel .row").count() >= ROWS
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    script = Script(page)

    # What loading leaves behind is over with the next ticks.
    page.wait_for_function("before => ticks >= before + 3", arg=page.evaluate("ticks"), polling=500)
    begun, ticks = script.ms(), page.evaluate("ticks")
    page.wait_for_function("before => ticks >= before + 4", arg=ticks, polling=500)
    per_tick = (script.ms() - begun) / (page.evaluate("ticks") - ticks)

    begun, ticks, visits = script.ms(), page.evaluate("ticks"), crowded[100:105]
    for visit in visits:
        assert people("hill_operator").act(visit, "claim").status == 200
    for visit in visits:
        page.wait_for_function(CLAIMED, arg=f"appointment-{visit}", polling=250)
    spent = script.ms() - begun - per_tick * (page.evaluate("ticks") - ticks)

    assert 0 < per_tick < TICK_MS
    assert 0 < spent / len(visits) < EVENT_MS
