from django.urls import path

from core.accounts.api.views import CalendarKeyView, LoginView, LogoutAllView, LogoutView, MeView

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("logoutall/", LogoutAllView.as_view(), name="logoutall"),
    path("calendar-key/", CalendarKeyView.as_view(), name="calendar-key"),
    path("me/", MeView.as_view(), name="me"),
]
