from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand

from appointments.transitions import TRANSITIONS, State, Transition

DOCUMENT: Final = Path(__file__).resolve().parent.parent.parent / "TRANSITIONS.md"
HEAD: Final = """# Transitions

Who may move an appointment from where to where. Made from `appointments/transitions.py` by
`./manage.py document_transitions`; a test fails when the two differ.

`pending (none)` needs a therapist, `pending (with)` waits for a therapist's answer until its deadline.
"""


class Command(BaseCommand):
    help = "Write appointments/TRANSITIONS.md from the table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only tell whether the document is up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            if DOCUMENT.read_text() != document():
                raise SystemExit("TRANSITIONS.md is out of date; run ./manage.py document_transitions.")
            return
        DOCUMENT.write_text(document())
        self.stdout.write(f"wrote {DOCUMENT.name}: {len(TRANSITIONS)} rows")


def document() -> str:
    """The whole document."""
    return "\n".join((HEAD, _diagram(), "", _table(), ""))


def _diagram() -> str:
    """A state diagram of the rows that change the state."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{state.value}" as {state.name}' for state in State if state.value != state.name.lower()]
    lines += ["    [*] --> UNASSIGNED: create", "    [*] --> OFFERED: create with a therapist"]
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TRANSITIONS.values():
        for source in sorted(row.sources, key=list(State).index):
            if row.to is not None:
                arrows.setdefault((_node(source), _node(row.to)), []).append(row.name)
    lines += [f"    {source} --> {target}: {', '.join(names)}" for (source, target), names in arrows.items()]
    return "\n".join([*lines, "```"])


def _node(state: State) -> str:
    return state.name if state.value != state.name.lower() else state.value


def _table() -> str:
    head = "| row | action | who: from | to | guards | audit | event | effect |"
    lines = [head, "|" + "---|" * 8]
    return "\n".join(lines + [_line(row) for row in TRANSITIONS.values()])


def _line(row: Transition) -> str:
    who = "; ".join(
        f"{who.value}: {', '.join(_states(sources))}" for who, sources in sorted(row.by.items(), key=lambda by: by[0])
    )
    cells = (
        row.name,
        row.action,
        who,
        row.to.value if row.to else "stays",
        ", ".join(guard.name for guard in row.guards),
        row.audit,
        row.event.value if row.event else "",
        row.effect,
    )
    return "| " + " | ".join(cells) + " |"


def _states(sources: frozenset[State]) -> list[str]:
    if sources == frozenset(State):
        return ["any"]
    return [state.value for state in State if state in sources]
