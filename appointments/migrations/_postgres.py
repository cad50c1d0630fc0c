"""What only PostgreSQL can hold: time that cannot be taken twice, and an audit that cannot be rewritten.

On SQLite the machine's own check inside an immediate transaction does the former.
"""

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

HELD = "('pending', 'confirmed', 'assigned', 'rejected', 'in_progress')"

# Bookings inside one slot may overlap (its capacity limits them); one without a slot differs from every other.
THERAPIST_TIME = f"""
ALTER TABLE appointments_appointment ADD CONSTRAINT therapist_time_once EXCLUDE USING gist (
    therapist_id WITH =, tstzrange("start", "end") WITH &&, coalesce(time_slot_id, -id) WITH <>
) WHERE (therapist_id IS NOT NULL AND status IN {HELD})
"""
PATIENT_TIME = f"""
ALTER TABLE appointments_appointment ADD CONSTRAINT patient_time_once EXCLUDE USING gist (
    patient_id WITH =, tstzrange("start", "end") WITH &&
) WHERE (status IN {HELD})
"""
SLOT_TIME = """
ALTER TABLE appointments_timeslot ADD CONSTRAINT slot_time_once EXCLUDE USING gist (
    therapist_id WITH =, tstzrange("start", "end") WITH &&
)
"""
# Who looks for an overlap looks no further back than this (selectors/conflicts.py).
LENGTHS = """
ALTER TABLE appointments_appointment ADD CONSTRAINT period_not_too_long CHECK ("end" - "start" <= interval '12 hours');
ALTER TABLE appointments_timeslot ADD CONSTRAINT slot_not_too_long CHECK ("end" - "start" <= interval '25 hours');
"""
# `archive` alone may move rows out, under a setting of its own transaction.
APPEND_ONLY = """
CREATE FUNCTION appointments_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('appointments.archiving', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the appointment log is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON appointments_appointmentlog
    FOR EACH ROW EXECUTE FUNCTION appointments_log_is_append_only();
"""


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Add the constraints and the trigger."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        for statement in (THERAPIST_TIME, PATIENT_TIME, SLOT_TIME, LENGTHS, APPEND_ONLY):
            schema_editor.execute(statement)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Take the trigger's function away; the tables take the rest with them."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS appointments_log_is_append_only() CASCADE")
