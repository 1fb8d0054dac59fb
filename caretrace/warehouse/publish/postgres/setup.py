"""What an administrator runs once: the two roles and the two schemas, with rights for nobody else."""

from __future__ import annotations

from caretrace.warehouse.publish.postgres.settings import Settings


def setup_sql(settings: Settings) -> str:
    """SQL to be run in the database by whoever may make roles in it; running it again changes nothing."""
    roles = "\n".join(
        f"""    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;"""
        for role in (settings.loader, settings.analyst)
    )
    schemas = "\n".join(
        f"""CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {settings.loader};
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;"""
        for schema in (settings.schema, settings.analyst_schema)
    )
    return f"""-- Run once, as an administrator, in the database that caretrace loads into (psql -d DATABASE -f THIS).
BEGIN;
DO $$ BEGIN
{roles}
    -- A load lays new rows into temporary tables of its own before it shows any of them.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO {settings.loader}', current_database());
END $$;
{schemas}
GRANT USAGE ON SCHEMA {settings.analyst_schema} TO {settings.analyst};
COMMIT;
-- Then, for the user that the nightly run logs in as, and for each analyst:
--   GRANT {settings.loader} TO nightly_user;
--   GRANT {settings.analyst} TO some_analyst;
"""
