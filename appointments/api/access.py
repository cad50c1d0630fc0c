"""The order of refusals for one appointment: not visible, role, input, version, state."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from appointments import machine
from appointments.api.rendering import current_for, render_appointments
from appointments.api.vocabulary import in_our_words
from appointments.errors import Conflict, InvalidTransition, NotFound, PermissionDenied
from appointments.models import Appointment
from appointments.selectors.visibility import visible_to, was_shown_open
from core.accounts.models import Role, User
from core.errors import DomainError
from core.web.arrival import arrived_at

Form = TypeVar("Form", bound=serializers.Serializer[Any])
# Where a service names an argument otherwise than the contract names the field.
ARGUMENTS: Final = {
    "therapist": "therapist_id",
    "rejection_reason": "reason",
    "cancellation_reason": "reason",
    "review_decision": "decision",
    "review_notes": "notes",
}
STAFF = frozenset({Role.OPERATOR, Role.ADMIN})


def user_of(request: Request) -> User:
    """The signed-in user."""
    assert isinstance(request.user, User)
    return request.user


def require_staff(request: Request) -> User:
    """Refuse everybody but operators and admins. Raises PermissionDenied."""
    user = user_of(request)
    if user.role not in STAFF:
        raise PermissionDenied("Only operators may do this.")
    return user


def visible(request: Request, pk: str, *, acting: bool = False) -> Appointment:
    """The appointment where the caller sees it. Raises NotFound; an open request lost to another is a conflict."""
    user, now = user_of(request), arrived_at(request)
    appointment = visible_to(user, now).filter(pk=int(pk)).first()
    if appointment is None:
        raise _not_seen(user, int(pk), acting=acting)
    return appointment


def require_visible(request: Request, pk: int) -> None:
    """`visible` for those who act and read the row under its lock anyway."""
    user, now = user_of(request), arrived_at(request)
    if not visible_to(user, now).filter(pk=pk).exists():
        raise _not_seen(user, pk, acting=True)


def _not_seen(user: User, pk: int, *, acting: bool) -> NotFound | InvalidTransition:
    if acting and user.role == Role.THERAPIST and was_shown_open(user, pk):
        return InvalidTransition("This request is no longer open.", extra={"current": None})
    return NotFound("No such appointment.")


def read(form: type[Form], request: Request, **kwargs: Any) -> Form:
    """The checked body in our words. Raises ValidationError and InvalidInput naming the field."""
    bound = form(data=in_our_words(request.data), **kwargs)
    bound.is_valid(raise_exception=True)
    return bound


@contextmanager
def showing_current(appointment_id: int, reader: User, now: datetime) -> Iterator[None]:
    """Let a conflict carry the appointment as the caller sees it."""
    try:
        yield
    except Conflict as conflict:
        conflict.extra.setdefault("current", current_for(appointment_id, reader, now))
        raise


def acting(
    request: Request, pk: str, action: str, form: type[Form], service: Callable[..., Appointment]
) -> Appointment:
    """Run one action of the table in the contract's order of checks; `service` takes the body as keywords."""
    appointment_id = int(pk)
    actor, now = user_of(request), arrived_at(request)
    # No service moves what staff do not see, so for them only a refusal has to give way to "not found".
    staff = actor.role in STAFF
    if not staff:
        require_visible(request, appointment_id)
    try:
        machine.check_role(action, actor)
        asked = {ARGUMENTS.get(name, name): value for name, value in read(form, request).validated_data.items()}
        with showing_current(appointment_id, actor, now):
            return service(appointment_id, actor=actor, now=now, **asked)
    except (DomainError, APIException):
        if staff:
            require_visible(request, appointment_id)
        raise


def shown(request: Request, pk: int) -> dict[str, Any] | None:
    """The appointment as the caller sees it after the write; None where they no longer do."""
    return render_appointments([pk], user_of(request), arrived_at(request)).get(pk)
