"""How Django admin looks (django-unfold); who may enter stands in `core.admin_site`."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse


def page(name: str) -> Callable[[Any], str]:
    """The address of a page of the admin, asked for once there are addresses."""
    return lambda request: reverse(f"admin:{name}")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Appointment assignment",
    "SITE_HEADER": "Appointment assignment",
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": [
            {
                "title": "Assignment",
                "items": [
                    {
                        "title": "Appointments",
                        "icon": "event",
                        "link": page("appointments_appointment_changelist"),
                    },
                    {
                        "title": "Statistics",
                        "icon": "bar_chart",
                        "link": page("appointments_appointment_statistics"),
                    },
                    {
                        "title": "Slots",
                        "icon": "calendar_month",
                        "link": page("appointments_timeslot_changelist"),
                    },
                    {
                        "title": "Waiting list",
                        "icon": "hourglass_empty",
                        "link": page("appointments_waitinglist_changelist"),
                    },
                    {"title": "People", "icon": "group", "link": page("accounts_user_changelist")},
                ],
            },
        ],
    },
}
