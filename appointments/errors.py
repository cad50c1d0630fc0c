"""Refusals of the domain, each with the contract's code."""

from core.errors import DomainError


class InvalidInput(DomainError):
    """A value that cannot be taken; `attr` names it."""

    code = "invalid"


class NotFound(DomainError):
    """The object does not exist for this caller."""

    code = "not_found"


class PermissionDenied(DomainError):
    """The caller's role never may do this."""

    code = "permission_denied"


class Conflict(DomainError):
    """The state of things does not allow it now; the appointment's present state goes with the answer."""


class InvalidTransition(Conflict):
    code = "invalid_transition"


class DeadlinePassed(Conflict):
    code = "deadline_passed"


class StaleVersion(Conflict):
    code = "stale_version"


class TherapistUnavailable(Conflict):
    code = "therapist_unavailable"


class DoubleBooked(Conflict):
    code = "double_booked"


class SlotBooked(Conflict):
    code = "slot_booked"


class SlotFull(Conflict):
    code = "slot_full"


class Throttled(DomainError):
    """Too soon after the last time; `retry_after` says how long to wait."""

    code = "throttled"
