"""A demo: two clinics, and in the first a history that leaves an appointment in every status."""

from appointments.demo.clinics import PASSWORD, PEOPLE, seed

__all__ = ["PASSWORD", "PEOPLE", "seed"]
