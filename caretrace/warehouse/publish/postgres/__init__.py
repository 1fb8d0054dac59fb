"""The newest run in PostgreSQL, for those who query from there.

In: a finished run folder. Out: a schema of its tables, and a schema of views without names, numbers and addresses.
Begin with `load`; `Target` says where, `Settings` what may differ, `setup_sql` what an administrator runs once.
"""

from __future__ import annotations

from caretrace.warehouse.publish.postgres.loading import Loaded, load
from caretrace.warehouse.publish.postgres.server import Target
from caretrace.warehouse.publish.postgres.settings import Settings
from caretrace.warehouse.publish.postgres.setup import setup_sql

__all__ = ["Loaded", "Settings", "Target", "load", "setup_sql"]
