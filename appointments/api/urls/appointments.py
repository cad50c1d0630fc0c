from django.urls import path
from rest_framework.routers import SimpleRouter

from appointments.api.appointments import AppointmentViewSet
from appointments.api.reminders import ReminderViewSet
from appointments.api.slots import CheckAvailabilityView, TimeSlotViewSet
from appointments.api.time_off import TimeOffViewSet
from appointments.api.waiting_list import WaitingListViewSet

router = SimpleRouter()
router.register("appointments", AppointmentViewSet, basename="appointment-alias")
router.register("reminders", ReminderViewSet, basename="reminder")
router.register("time-slots", TimeSlotViewSet, basename="time-slot")
router.register("time-off", TimeOffViewSet, basename="time-off")
router.register("waiting-list", WaitingListViewSet, basename="waiting-list")

urlpatterns = [
    path("check-availability/", CheckAvailabilityView.as_view(), name="check-availability"),
    *router.urls,
]
