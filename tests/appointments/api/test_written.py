"""The answer to a write is what reading again would give, though little of it is read again."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.api.rendering import render_appointments, render_written
from appointments.models import Service
from appointments.services import assignment, attendance, booking
from appointments.transitions import State, Who, rows_for
from tests.appointments.moves import IN_STATE, SOON, act, denied, moment, new, open_request
from tests.conftest import Api
from tests.support.cast import Cast

ACTIONS = {
    **{name: name for name in ("assign", "unassign", "extend", "start", "complete", "no_show", "cancel")},
    **{name: name for name in ("mark_paid", "claim", "remind")},
    **{"review: accept": "review_rejection", "review: deny": "review_rejection"},
}


def sources(action: str) -> list[State]:
    return sorted({state for row in rows_for(action) for state in row.by.get(Who.OPERATOR, ())})


@pytest.mark.parametrize(
    ("call", "state"), [(call, state) for call, action in ACTIONS.items() for state in sources(action)]
)
def test_what_an_operator_wrote_is_shown_as_it_reads(cast: Cast, call: str, state: State) -> None:
    pk, now = IN_STATE[state](cast).pk, moment(call, state)
    written = act(call, cast, pk, cast.olive, now)
    assert render_written(written, cast.olive, now) == render_appointments([pk], cast.olive, now)[pk]


@pytest.mark.parametrize("who", ["olive", "pia"])
@pytest.mark.parametrize("with_service", [True, False])
@pytest.mark.parametrize("with_therapist", [True, False])
def test_what_was_booked_is_shown_as_it_reads(cast: Cast, who: str, with_service: bool, with_therapist: bool) -> None:
    reader = getattr(cast, who)
    service = (
        Service.objects.create(institution=cast.clinic, name="Massage", fee=Decimal("80")) if with_service else None
    )
    asked = booking.Booking(
        patient=cast.pia,
        start=SOON + timedelta(days=3),
        therapist_id=cast.theo.pk if with_therapist else None,
        service=service,
    )
    written = booking.book(asked, reader, SOON)
    assert render_written(written, reader, SOON) == render_appointments([written.pk], reader, SOON)[written.pk]


def test_what_a_patient_cancelled_is_shown_as_it_reads(cast: Cast) -> None:
    pk = denied(cast).pk
    written = attendance.cancel(pk, "ill", cast.pia, SOON)
    assert render_written(written, cast.pia, SOON) == render_appointments([pk], cast.pia, SOON)[pk]


def test_a_request_that_a_therapist_declined_is_shown_no_longer(cast: Cast) -> None:
    pk = open_request(cast).pk
    written = assignment.reject(pk, "too far away", cast.theo, SOON)
    assert render_written(written, cast.theo, SOON) is None


def test_staff_find_no_deleted_appointment_to_act_on(cast: Cast, api: Api) -> None:
    pk = IN_STATE[State.CANCELLED](cast).pk
    attendance.delete(pk, cast.olive, SOON)
    answer = api(cast.olive).post(f"/api/scheduling/appointments/{pk}/mark_paid/", {"payment_method": "cash"})
    assert answer.status_code == 404


def test_an_assign_reads_the_appointment_once(cast: Cast, api: Api) -> None:
    pk = new(cast).pk
    with CaptureQueriesContext(connection) as asked:
        answer = api(cast.olive).post(f"/api/scheduling/appointments/{pk}/assign/", {"therapist": cast.theo.pk})
    assert answer.status_code == 200
    reads = [query["sql"] for query in asked if query["sql"].startswith('SELECT "appointments_appointment"')]
    assert len(reads) == 1, reads
