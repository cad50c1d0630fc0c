"""The actions that need nothing but a body and one service call, one line each."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from appointments.api import inputs, schemas
from appointments.api.access import acting, user_of
from appointments.api.rendering import render_written
from appointments.models import Appointment
from appointments.services import assignment, attendance, review
from core.web.arrival import arrived_at


class Verb(NamedTuple):
    """`path` is the URL's last part, `action` the word of the table of transitions."""

    path: str
    action: str
    form: type[Any]
    service: Callable[..., Appointment]
    summary: str


VERBS: Final = (
    Verb("assign", "assign", inputs.AssignInput, assignment.assign, "Offer it to a therapist, with a fresh clock."),
    Verb("unassign", "unassign", inputs.UnassignInput, assignment.unassign, "Take it back from its therapist."),
    Verb("extend", "extend", inputs.ExtendInput, assignment.extend, "Move the deadline on, never past the start."),
    Verb("accept", "accept", inputs.VersionedInput, assignment.accept, "Accept the offer, or take an open request."),
    Verb("confirm", "accept", inputs.VersionedInput, assignment.accept, "The same as accept."),
    Verb("reject", "reject", inputs.RejectInput, assignment.reject, "Refuse with a reason; declines an open request."),
    Verb("review_rejection", "review_rejection", inputs.ReviewInput, review.review_rejection, "Accept or deny it."),
    Verb("start", "start", inputs.VersionedInput, attendance.start, "Begin the visit."),
    Verb("complete", "complete", inputs.CompleteInput, attendance.complete, "End the visit."),
    Verb("no_show", "no_show", inputs.VersionedInput, attendance.no_show, "The patient did not come."),
    Verb("cancel", "cancel", inputs.CancelInput, attendance.cancel, "Cancel with a reason."),
    Verb("mark_paid", "mark_paid", inputs.MarkPaidInput, attendance.mark_paid, "Record the payment."),
    Verb("claim", "claim", inputs.VersionedInput, assignment.claim, 'Tell the other operators "I\'m on it".'),
    Verb("release", "release", inputs.VersionedInput, assignment.release, 'Take "I\'m on it" back.'),
    Verb("remind", "remind", inputs.VersionedInput, assignment.remind, "Send the offer again on the second channel."),
)


def as_method(verb: Verb) -> Callable[..., Response]:
    """The viewset's method for one verb."""

    def method(self: Any, request: Request, pk: str) -> Response:
        acted = acting(request, pk, verb.action, verb.form, verb.service)
        return Response(render_written(acted, user_of(request), arrived_at(request)))

    method.__name__, method.__doc__ = verb.path, verb.summary
    documented = extend_schema(request=verb.form, responses=schemas.AppointmentSchema, summary=verb.summary)
    # Documented last: `action` replaces what it finds on the method.
    return documented(action(detail=True, methods=["post"])(method))


class ActionsMixin:
    """Holds a method for each of `VERBS`."""


for _verb in VERBS:
    setattr(ActionsMixin, _verb.path, as_method(_verb))
