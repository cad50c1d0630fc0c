"""The audit tells everything: replaying it gives the present state."""

from collections.abc import Iterable
from typing import Any

from appointments.machine.changes import plain
from appointments.models import Appointment, AppointmentLog


def replayed(pk: int) -> dict[str, Any]:
    """The last value of every column that the log of an appointment mentions."""
    return replay(AppointmentLog.objects.filter(appointment_id=pk).order_by("id"))


def replay(logs: Iterable[AppointmentLog]) -> dict[str, Any]:
    """`replayed` for the rows of one appointment, oldest first."""
    state: dict[str, Any] = {}
    for log in logs:
        for name, value in log.old_values.items():
            assert state.get(name, value) == value, f"{log}: {name} was {state[name]}, not {value}"
        state |= log.new_values
    return state


def present(pk: int, names: set[str]) -> dict[str, Any]:
    """The same columns as they are."""
    return columns_of(Appointment.objects.get(pk=pk), names)


def columns_of(row: Appointment, names: Iterable[str]) -> dict[str, Any]:
    """These columns of a row, as the log writes them."""
    columns = {field.name: field.attname for field in Appointment._meta.concrete_fields}
    return {name: plain(getattr(row, columns[name])) for name in names}
