from appointments.models.appointment import (
    HELD,
    HOLDS_PATIENT,
    HOLDS_THERAPIST,
    Appointment,
    AppointmentStatus,
    AppointmentType,
    BookingMethod,
    Origin,
)
from appointments.models.assignment import (
    FORMER,
    AppointmentRejection,
    Assignment,
    AssignmentStatus,
    OpenRequestDecline,
    ReviewDecision,
)
from appointments.models.breaker import SuspensionBreaker
from appointments.models.log import AppointmentLog
from appointments.models.reminder import AppointmentReminder, ReminderStatus, ReminderType
from appointments.models.service import Service
from appointments.models.slot import TimeOff, TimeSlot
from appointments.models.waiting_list import WaitingList, WaitingOffer, WaitingOfferStatus

__all__ = [
    "FORMER",
    "HELD",
    "HOLDS_PATIENT",
    "HOLDS_THERAPIST",
    "Appointment",
    "AppointmentLog",
    "AppointmentRejection",
    "AppointmentReminder",
    "AppointmentStatus",
    "AppointmentType",
    "Assignment",
    "AssignmentStatus",
    "BookingMethod",
    "OpenRequestDecline",
    "Origin",
    "ReminderStatus",
    "ReminderType",
    "ReviewDecision",
    "Service",
    "SuspensionBreaker",
    "TimeOff",
    "TimeSlot",
    "WaitingList",
    "WaitingOffer",
    "WaitingOfferStatus",
]
