"""The breaker that halts automatic suspensions."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from appointments.api import inputs, schemas
from appointments.api.access import read, require_staff
from appointments.api.inputs import LARGEST_ID
from appointments.api.rendering import instant
from appointments.errors import InvalidInput
from appointments.models import SuspensionBreaker
from appointments.policy import current_policy
from appointments.services import suspension
from core.accounts.models import Institution, Role, User
from core.web.arrival import arrived_at
from core.web.idempotency import Idempotent


class BreakerView(Idempotent):
    """Whether automatic suspensions are halted, and how many there were lately."""

    @extend_schema(
        parameters=[OpenApiParameter("institution", OpenApiTypes.INT64, description="Only admins need to name it.")],
        responses=schemas.BreakerSchema,
    )
    def get(self, request: Request) -> Response:
        """The institution's breaker; admins name one by `?institution=`."""
        institution_id = institution_of(require_staff(request), request.query_params.get("institution"))
        return Response(_rendered(institution_id, request))


class BreakerCloseView(Idempotent):
    """Let automatic suspensions happen again."""

    @extend_schema(request=inputs.BreakerCloseInput, responses=schemas.BreakerSchema)
    def post(self, request: Request) -> Response:
        """Close the breaker with a reason."""
        actor = require_staff(request)
        data = read(inputs.BreakerCloseInput, request).validated_data
        institution_id = institution_of(actor, data.get("institution"))
        suspension.close_breaker(institution_id, data["reason"], actor, arrived_at(request))
        return Response(_rendered(institution_id, request))


def institution_of(actor: User, named: Any) -> int:
    """The operator's own institution, or the one that an admin names. Raises InvalidInput."""
    if actor.role != Role.ADMIN:
        assert actor.institution_id is not None
        return actor.institution_id
    if named is None:
        raise InvalidInput("Name the institution.", code="required", attr="institution")
    known = str(named).isdecimal() and int(named) <= LARGEST_ID
    if not known or not Institution.objects.filter(pk=int(named)).exists():
        raise InvalidInput("No such institution.", code="does_not_exist", attr="institution")
    return int(named)


def _rendered(institution_id: int, request: Request) -> dict[str, Any]:
    policy, now = current_policy(), arrived_at(request)
    latest = SuspensionBreaker.objects.filter(institution_id=institution_id).first()
    return {
        "institution": institution_id,
        "open": latest is not None and latest.closed_at is None,
        "opened_at": instant(latest.opened_at) if latest else None,
        "closed_at": instant(latest.closed_at) if latest else None,
        "closed_by": latest.closed_by_id if latest else None,
        "reason": latest.reason if latest else "",
        "recent_suspensions": suspension.recent_suspensions(institution_id, latest, policy, now),
        "limit": suspension.breaker_limit(institution_id, 0, policy),
    }
