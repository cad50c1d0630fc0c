from django.urls import include, path
from rest_framework.routers import SimpleRouter

from appointments.api.appointments import AppointmentViewSet
from appointments.api.breaker import BreakerCloseView, BreakerView
from appointments.api.calendar import CalendarFeedView
from appointments.api.services import ServiceViewSet
from appointments.api.therapists import TherapistViewSet

router = SimpleRouter()
router.register("appointments", AppointmentViewSet, basename="appointment")
router.register("therapists", TherapistViewSet, basename="therapist")
router.register("services", ServiceViewSet, basename="service")

urlpatterns = [
    path("calendar.ics", CalendarFeedView.as_view(), name="calendar"),
    path("breaker/", BreakerView.as_view(), name="breaker"),
    path("breaker/close/", BreakerCloseView.as_view(), name="breaker-close"),
    path("", include(router.urls)),
]
