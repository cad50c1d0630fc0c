"""The live dashboards of operators and therapists; their scripts fill them through the API."""

from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from appointments.api.filters import filtered
from appointments.api.rendering import for_rendering, render
from appointments.policy import current_policy
from appointments.selectors.visibility import visible_to
from core.accounts.models import Role, User
from core.web.arrival import arrived_at
from realtime.dashboards.pages import STAFF, for_roles, page

REQUEST_FILTERS: Final = ("pending", "accepted", "rejected", "all")
# What a therapist sees without scripts; the scripts page on.
SHOWN_AT_FIRST: Final = 50


@require_safe
@for_roles(Role.OPERATOR, Role.ADMIN)
def operator(request: HttpRequest) -> HttpResponse:
    """Reviews, deadlines, all appointments, notifications."""
    assert isinstance(request.user, User)
    rows = User.objects.filter(role__in=STAFF, institution=request.user.institution_id)
    colleagues = {one.pk: one.display_name for one in rows} | {request.user.pk: request.user.display_name}
    return page(request, "dashboards/operator.html", {"colleagues": colleagues, "searchable": True})


@require_safe
@for_roles(Role.THERAPIST)
def therapist(request: HttpRequest) -> HttpResponse:
    """Requests and the schedule; `?filter=` is kept in the address. The first list works without scripts."""
    assert isinstance(request.user, User)
    now, policy = arrived_at(request), current_policy()
    wanted = request.GET.get("filter", "pending")
    chosen = wanted if wanted in REQUEST_FILTERS else "pending"
    query = QueryDict(mutable=True)
    query["filter"] = chosen
    rows = for_rendering(filtered(visible_to(request.user, now), query, request.user, now))[:SHOWN_AT_FIRST]
    listed = [render(row, request.user, now, policy) for row in rows]
    context = {"listed": listed, "chosen": chosen, "filters": REQUEST_FILTERS}
    return page(request, "dashboards/therapist.html", context)
