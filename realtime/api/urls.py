from django.urls import path

from realtime.api.views import NotificationsView, ReadAllView, ReadView

urlpatterns = [
    path("notifications/", NotificationsView.as_view(), name="notifications"),
    path("notifications/read_all/", ReadAllView.as_view(), name="notifications-read-all"),
    path("notifications/<int:seq>/read/", ReadView.as_view(), name="notification-read"),
]
