from rest_framework.routers import SimpleRouter

from appointments.api.meetings import MeetingViewSet

router = SimpleRouter()
router.register("", MeetingViewSet, basename="meeting")

urlpatterns = router.urls
