from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core.operations import healthz, metrics, readyz
from core.web.errors import unknown_path
from realtime.api.asyncapi import asyncapi

admin.autodiscover()

urlpatterns = [
    path("api/auth/", include("core.accounts.api.urls")),
    path("api/scheduling/", include("realtime.api.urls")),
    path("api/scheduling/", include("appointments.api.urls.scheduling")),
    path("api/appointments/", include("appointments.api.urls.appointments")),
    path("api/meetings/", include("appointments.api.urls.meetings")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/asyncapi.json", asyncapi, name="asyncapi"),
    re_path(r"^api/", unknown_path),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("", include("realtime.dashboards.urls")),
]
