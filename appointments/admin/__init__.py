"""Django admin over the same services as the API; importing it registers the pages."""

from appointments.admin import appointments, others, people, slots

__all__ = ["appointments", "others", "people", "slots"]
