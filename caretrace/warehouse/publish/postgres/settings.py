"""What a load may be told: names in the database, what analysts see of indirect identifiers, and its patience."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import SettingsError

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

COARSER = {
    "year": ("date_trunc('year', {0})::date", "cut to the first day of its year"),
    "month": ("date_trunc('month', {0})::date", "cut to the first day of its month"),
    "sector": ("left({0}, -2)", "cut to the postcode sector"),
    "district": ("split_part({0}, ' ', 1)", "cut to the postcode district"),
    "area": ("substring({0} from '^[A-Z]+')", "cut to the postcode area"),
}
"""How a column may be made coarser: PostgreSQL over the quoted column, and the words that go into its comment. The
names are those of the transforms of a release; a date stays a date, so that one query does for both schemas."""
LEFT_OUT = "drop"

_DATES, _POSTCODES = {"year", "month"}, {"sector", "district", "area"}

DEFAULT_COARSER: Mapping[str, str] = {"birth_date": "year", "death_date": "month", "postcode": "district"}
"""Dates of events stay as they are by default: measures count days between them [assumed]."""


@dataclass(frozen=True)
class Settings:
    """Names are lower case, as PostgreSQL folds them, so that nobody has to quote them."""

    schema: str = "caretrace"
    """Holds the tables with identifiers."""
    analyst_schema: str = "caretrace_analyst"
    """Holds the views without."""
    loader: str = "caretrace_loader"
    """The role that owns both; whoever loads is a member of it."""
    analyst: str = "caretrace_analyst"
    """The role that may read the views and nothing else."""
    coarser: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_COARSER))
    """Column to how analysts see it, wherever it occurs: a name of COARSER, or "drop". Others they see as held."""
    statement_seconds: int = 3600
    """How long one statement may take before the load gives up [assumed]."""
    lock_seconds: int = 60
    """How long it waits for a lock that somebody else holds [assumed]."""

    def __post_init__(self) -> None:
        for what in ("schema", "analyst_schema", "loader", "analyst"):
            name = getattr(self, what)
            if not _NAME.fullmatch(name) or name.startswith("pg_") or name in ("public", "information_schema"):
                raise SettingsError(
                    f"PostgreSQL: {what} {name!r} cannot be used; take small letters, digits and _, a letter first,"
                    " at most 63 of them, not beginning with pg_ and not public"
                )
        if self.schema == self.analyst_schema:
            raise SettingsError("PostgreSQL: schema and analyst_schema must differ, for one holds identifiers")
        if self.loader == self.analyst:
            raise SettingsError("PostgreSQL: loader and analyst must be two roles, for one sees identifiers")
        for column, how in self.coarser.items():
            _check_coarser(column, how)
        for what in ("statement_seconds", "lock_seconds"):
            if not 1 <= getattr(self, what) <= 86_400:
                raise SettingsError(f"PostgreSQL: {what} must be from 1 to 86400")


def _check_coarser(column: str, how: str) -> None:
    if how not in (*COARSER, LEFT_OUT):
        raise SettingsError(
            f"PostgreSQL: coarsen {column} = {how!r} is not known; it is one of {', '.join((*COARSER, LEFT_OUT))}"
        )
    if (how in _DATES and not column.endswith("_date")) or (how in _POSTCODES and column != "postcode"):
        raise SettingsError(
            f"PostgreSQL: coarsen {column} = {how!r} does not fit; {', '.join(sorted(_DATES))} are for dates,"
            f" {', '.join(sorted(_POSTCODES))} for postcode"
        )
