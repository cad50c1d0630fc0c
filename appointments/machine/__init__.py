"""The only writer of an appointment's status.

A change is planned (role → version → source → guards), then carried out as a whole: the guarded UPDATE, the slot's
places, the assignment, the reminders, one audit row and the Outbox rows, in the caller's transaction. `apply` does it
for one locked row, `apply_many` for a batch of due rows in a few statements.
"""

from appointments.machine.changes import Task
from appointments.machine.checks import allowed_actions, check, check_role, lock
from appointments.machine.holding import PLACES_TAKEN, hold_places, take_places
from appointments.machine.writing import apply, apply_many, create

__all__ = [
    "PLACES_TAKEN",
    "Task",
    "allowed_actions",
    "apply",
    "apply_many",
    "check",
    "check_role",
    "create",
    "hold_places",
    "lock",
    "take_places",
]
