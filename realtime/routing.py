from typing import Any, cast

from django.urls import re_path

from realtime.consumers import events, unknown_path

_views = cast(Any, (events, unknown_path))
websocket_urlpatterns = [
    re_path(r"^ws/events/?$", _views[0]),
    re_path(r"^ws/scheduling/appointments/?$", _views[0]),
    re_path(r"", _views[1]),
]
