"""Appointments in Django admin: the table of transitions decides, row by row."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.admin.appointments import TherapistFilter
from appointments.models import Appointment, AppointmentLog, AppointmentReminder, Service
from appointments.services import assignment, attendance
from tests.appointments.admin.conftest import Desk
from tests.support.cast import Cast, book, offer

pytestmark = pytest.mark.once

LIST = "/admin/appointments/appointment/"


def act(client: Client, action: str, *appointments: Appointment, **more: str) -> str:
    body = {"action": action, "_selected_action": [row.pk for row in appointments], **more}
    answer = client.post(LIST, body)
    assert answer.status_code == 200, answer.headers
    return answer.content.decode()


def page_of(client: Client, appointment: Appointment) -> dict[str, Any]:
    """The fields that the page lets the person edit, as a browser would send them back."""
    answer = client.get(f"{LIST}{appointment.pk}/change/")
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    fields = {}
    for field in form:
        value = field.value()
        if field.name == "response_deadline" and value is not None:
            fields |= {"response_deadline_0": f"{value:%Y-%m-%d}", "response_deadline_1": f"{value:%H:%M:%S.%f}"}
        else:
            fields[field.name] = "" if value is None else value
    for inline in answer.context["inline_admin_formsets"]:
        prefix = inline.formset.prefix
        fields |= {f"{prefix}-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return fields


def save(client: Client, appointment: Appointment, **changed: Any) -> str:
    answer = client.post(f"{LIST}{appointment.pk}/change/", page_of(client, appointment) | changed, follow=True)
    return answer.content.decode()


def status_of(appointment: Appointment) -> str:
    return Appointment.objects.get(pk=appointment.pk).status


@pytest.fixture
def two(cast: Cast) -> tuple[Appointment, Appointment]:
    """An offer that can be confirmed, and a cancelled one that cannot."""
    live, gone = offer(cast, hours=24), offer(cast, hours=48)
    attendance.cancel(gone.pk, "ill", cast.olive, timezone.now())
    return live, gone


def test_confirming_says_of_each_row_how_it_went(cast: Cast, desk: Desk, two: tuple[Appointment, Appointment]) -> None:
    page = act(desk(cast.olive), "confirm", *two)
    assert [status_of(row) for row in two] == ["confirmed", "cancelled"]
    assert "1 of 2 done" in page
    assert page.count("refused") == 1
    log = AppointmentLog.objects.filter(appointment=two[0]).first()
    assert log
    assert (log.action, log.performed_by) == ("confirmed", cast.olive)


def test_cancelling_asks_for_a_reason_first(cast: Cast, desk: Desk, two: tuple[Appointment, Appointment]) -> None:
    client = desk(cast.olive)
    for given in ({}, {"reason": "  "}):
        assert 'name="reason"' in act(client, "cancel", *two, **given)
        assert status_of(two[0]) == "pending"
    page = act(client, "cancel", *two, reason="the clinic is closed")
    assert "1 of 2 done" in page
    assert Appointment.objects.get(pk=two[0].pk).cancellation_reason == "the clinic is closed"


def test_completing_before_the_start_is_refused_with_the_table_s_words(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    assert "has not begun yet" in act(desk(cast.olive), "complete", appointment)
    begun = timezone.now() - timedelta(minutes=5)
    Appointment.objects.filter(pk=appointment.pk).update(start=begun, end=begun + timedelta(minutes=30))
    act(desk(cast.olive), "complete", appointment)
    assert status_of(appointment) == "completed"


def test_marking_as_paid_happens_once(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    act(desk(cast.ada), "mark_paid", appointment)
    assert Appointment.objects.get(pk=appointment.pk).is_paid
    assert "already paid" in act(desk(cast.ada), "mark_paid", appointment)


def test_the_status_and_what_follows_from_it_cannot_be_edited(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    fields = page_of(desk(cast.ada), appointment)
    assert not {"status", "therapist", "patient", "start", "version", "is_paid", "institution"} & set(fields)
    save(desk(cast.ada), appointment, status="completed", therapist=cast.tara.pk, notes="noted")
    now = Appointment.objects.get(pk=appointment.pk)
    assert (now.status, now.therapist_id, now.notes) == ("pending", cast.theo.pk, "noted")


def test_an_edit_leaves_its_line_in_the_timeline(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    save(desk(cast.olive), appointment, notes="brings a friend")
    log = AppointmentLog.objects.filter(appointment=appointment).first()
    assert log
    assert (log.action, log.performed_by, log.new_values["notes"]) == ("updated", cast.olive, "brings a friend")
    page = desk(cast.olive).get(f"{LIST}{appointment.pk}/change/").content.decode()
    assert "Timeline" in page
    assert "brings a friend" in page


def test_an_edit_of_a_page_that_is_out_of_date_changes_nothing(cast: Cast, desk: Desk) -> None:
    appointment, client = offer(cast), desk(cast.olive)
    fields = page_of(client, appointment)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    fields.pop("response_deadline_0"), fields.pop("response_deadline_1")
    answer = client.post(f"{LIST}{appointment.pk}/change/", fields | {"notes": "late"}, follow=True)
    assert "errornote" in answer.content.decode() or "moved on" in answer.content.decode().lower(), answer.content
    assert Appointment.objects.get(pk=appointment.pk).notes == ""


def test_moving_the_deadline_moves_the_expiry_and_is_audited(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    later = (timezone.now() + timedelta(hours=3)).replace(microsecond=0)
    save(
        desk(cast.ada),
        appointment,
        response_deadline_0=f"{later:%Y-%m-%d}",
        response_deadline_1=f"{later:%H:%M:%S}",
    )
    assert Appointment.objects.get(pk=appointment.pk).response_deadline == later
    assert AppointmentLog.objects.filter(appointment=appointment, action="extended").count() == 1


def test_a_deadline_after_the_start_is_refused(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast, hours=2)
    page = save(desk(cast.ada), appointment, response_deadline_0="2999-01-01", response_deadline_1="00:00:00")
    assert "between now and the start" in page
    assert Appointment.objects.get(pk=appointment.pk).response_deadline == appointment.response_deadline


def test_operators_find_nothing_of_another_institution(cast: Cast, desk: Desk) -> None:
    ours, theirs = offer(cast), book(cast.heidi, cast.xander)
    client = desk(cast.olive)
    shown = client.get(LIST).content.decode()
    assert f"/{ours.pk}/change/" in shown
    assert f"/{theirs.pk}/change/" not in shown
    assert "Heidi" not in shown
    assert client.get(f"{LIST}{theirs.pk}/change/").status_code == 302
    act(client, "cancel", ours, theirs, reason="all of them")
    assert [status_of(ours), status_of(theirs)] == ["cancelled", "pending"]


def test_a_service_of_another_institution_cannot_be_chosen(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    theirs = Service.objects.create(institution=cast.hill, name="Massage")
    save(desk(cast.ada), appointment, service=theirs.pk)
    assert Appointment.objects.get(pk=appointment.pk).service is None


@pytest.mark.parametrize("query", ["", "status__exact=pending", "overdue=yes", "q=Pia", "is_paid__exact=1"])
def test_every_filter_answers(cast: Cast, desk: Desk, query: str) -> None:
    offer(cast)
    assert desk(cast.ada).get(f"{LIST}?{query}").status_code == 200


def test_a_therapist_is_chosen_among_the_own_ones(cast: Cast, desk: Desk) -> None:
    ours, other = offer(cast, hours=24), book(cast.pavel, cast.olive, therapist=cast.tara, hours=48)
    page = desk(cast.olive).get(f"{LIST}?therapist__id__exact={cast.theo.pk}")
    assert list(page.context["cl"].result_list) == [ours]
    for user, names in ((cast.olive, {"tara", "theo"}), (cast.ada, {"heiko", "tara", "theo"})):
        filters = desk(user).get(LIST).context["cl"].filter_specs
        (chosen,) = [each for each in filters if isinstance(each, TherapistFilter)]
        assert {name for _, name in chosen.lookup_choices} == names
    assert other.therapist == cast.tara


def test_overdue_offers_are_filtered(cast: Cast, desk: Desk) -> None:
    fine, late = offer(cast, hours=24), offer(cast, hours=48)
    Appointment.objects.filter(pk=late.pk).update(response_deadline=timezone.now() - timedelta(minutes=1))
    shown = desk(cast.olive).get(f"{LIST}?overdue=yes").content.decode()
    assert re.findall(rf"/({fine.pk}|{late.pk})/change/", shown)[0] == str(late.pk)
    assert f"/{fine.pk}/change/" not in shown


def test_the_list_takes_a_constant_number_of_queries(cast: Cast, desk: Desk) -> None:
    client = desk(cast.olive)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(LIST)
        return len(asked)

    offer(cast)
    few = queries()
    for day in range(2, 9):
        offer(cast, hours=24 * day)
    assert queries() == few


def test_statistics_are_of_what_the_person_sees(cast: Cast, desk: Desk) -> None:
    offer(cast)
    book(cast.heidi, cast.xander)
    url = f"{LIST}statistics/"
    for user, total in ((cast.olive, 1), (cast.ada, 2)):
        page = desk(user).get(url).content.decode()
        assert re.search(rf"Appointments</td>\s*<td[^>]*>{total}<", page)
    page = desk(cast.ada).get(f"{url}?date_to=2000-01-01").content.decode()
    assert re.search(r"Appointments</td>\s*<td[^>]*>0<", page)
    assert "valid date" in desk(cast.ada).get(f"{url}?date_to=soon").content.decode()


def test_statistics_are_drawn_as_they_are_written(cast: Cast, desk: Desk) -> None:
    offer(cast)
    page = desk(cast.olive).get(f"{LIST}statistics/")
    charts = {heading: json.loads(data) for heading, data in page.context["charts"]}
    assert set(charts) == {"By status", "Answers", "By therapist"}
    drawn = dict(zip(charts["By status"]["labels"], charts["By status"]["datasets"][0]["data"], strict=True))
    assert drawn == dict(dict(page.context["tables"])["By status"])
    assert drawn["Pending"] == 1
    assert charts["By therapist"]["labels"] == ["Theo"]
    assert page.content.decode().count('class="chart"') == 3


def test_the_timeline_and_the_reminders_are_there_to_read_only(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    answer = desk(cast.olive).get(f"{LIST}{appointment.pk}/change/")
    shown = {inline.formset.model: inline for inline in answer.context["inline_admin_formsets"]}
    for model in (AppointmentLog, AppointmentReminder):
        assert len(shown[model].formset.forms) == model.objects.filter(appointment=appointment).count() > 0
        assert not (shown[model].has_add_permission or shown[model].has_change_permission)
    prefix = shown[AppointmentReminder].formset.prefix
    fields = page_of(desk(cast.olive), appointment) | {f"{prefix}-TOTAL_FORMS": 1, f"{prefix}-0-status": "sent"}
    desk(cast.olive).post(f"{LIST}{appointment.pk}/change/", fields)
    assert not AppointmentReminder.objects.filter(appointment=appointment, status="sent").exists()


def test_nobody_adds_or_deletes_an_appointment_here(cast: Cast, desk: Desk) -> None:
    appointment = offer(cast)
    client = desk(cast.ada)
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{appointment.pk}/delete/", {"post": "yes"}).status_code == 403
