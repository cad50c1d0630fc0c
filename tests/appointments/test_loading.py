"""An appointment is loaded by a shorter way than Django's, to the same end."""

from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from appointments.models import Appointment
from tests.appointments.moves import offered
from tests.support.cast import Cast


def test_a_loaded_appointment_is_what_django_would_have_loaded(cast: Cast) -> None:
    loaded = Appointment.objects.get(pk=offered(cast).pk)
    names = [field.attname for field in Appointment._meta.concrete_fields]
    values = [getattr(loaded, name) for name in names]
    djangos = Model.from_db.__func__(Appointment, "default", names, values)  # type: ignore[attr-defined]
    assert {**vars(loaded), "_state": None} == {**vars(djangos), "_state": None}
    assert (loaded._state.db, loaded._state.adding) == (djangos._state.db, djangos._state.adding)


def test_a_column_that_was_left_out_is_loaded_once_it_is_read(cast: Cast) -> None:
    pk = offered(cast).pk
    loaded = Appointment.objects.only("status").get(pk=pk)
    with CaptureQueriesContext(connection) as asked:
        assert (loaded.status, loaded.therapist_id) == ("pending", cast.theo.pk)
    assert len(asked) == 1
