"""From the body of a PATCH to the columns it may change, by role."""

from typing import Any, Final

from rest_framework.request import Request

from appointments.api.access import read
from appointments.api.booking import service_of
from appointments.api.inputs import UpdateInput
from appointments.api.vocabulary import in_our_words
from appointments.errors import InvalidInput, PermissionDenied
from appointments.models import Appointment
from core.accounts.models import Role, User

OPERATOR: Final = frozenset(UpdateInput().fields) - {"version"}
EDITABLE: Final = {
    Role.OPERATOR: OPERATOR,
    Role.ADMIN: OPERATOR,
    Role.PATIENT: frozenset({"reason_for_visit", "symptoms", "notes"}),
    Role.THERAPIST: frozenset({"notes"}),
}
# What an action changes, and which one.
ACTION_FOR: Final = {
    "status": "an action such as accept or cancel",
    "therapist": "assign or reassign",
    "start": "reschedule",
    "end": "reschedule",
    "appointment_date": "reschedule",
    "appointment_time": "reschedule",
}


def edit_from(request: Request, actor: User, appointment: Appointment) -> tuple[dict[str, Any], int | None]:
    """The columns to change and the version seen. Raises PermissionDenied, and InvalidInput naming the field."""
    asked = in_our_words(request.data)
    own = EDITABLE[Role(actor.role)]
    for name in asked:
        if name in OPERATOR and name not in own:
            raise PermissionDenied(f"You may not edit {name}.")
    for name, action in ACTION_FOR.items():
        if name in asked:
            raise InvalidInput(f"Use {action} to change this.", attr=name, code="not_editable")
    data = dict(read(UpdateInput, request).validated_data)
    version = data.pop("version", None)
    changes = {name: value for name, value in data.items() if name in own}
    if "service" in changes:
        service = service_of(changes.pop("service"), appointment.institution_id)
        changes["service_id"] = service.pk if service else None
    return changes, version
