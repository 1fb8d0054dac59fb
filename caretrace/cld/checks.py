"""The field checks of Client Level Data: for every field of every row whether it is there where it must be, and valid.

The classes are those of the national data quality tables; how those divide what is invalid (-2 to -6) is not public, so
that division is ours. Rows are checked in columns, and what comes of it is counts, and the ids of records at fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from caretrace.cld.conditions import CONDITIONS, PLAIN_MACRO, helpers, parsed_day
from connectors.suppliers.cld import RELEASES, Field, fields
from connectors.values import listed, quoted

if TYPE_CHECKING:
    import duckdb

OLDEST = 115
"""Years from which a date of birth is taken for a dummy (methodology of the national statistics)."""


class Verdict(IntEnum):
    """What is said of one field of one row; below 0 it is a fault."""

    VALID = 1
    BLANK = 0
    MISSING = -1
    NOT_LISTED = -2
    FORM = -3
    CONTRADICTION = -4
    OTHER_RELEASE = -7
    NOT_CHECKED = 2
    """The defined list is not public in full, and the label is none of those known."""

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    Verdict.VALID: "valid",
    Verdict.BLANK: "blank, and may be",
    Verdict.MISSING: "blank, and must not be",
    Verdict.NOT_LISTED: "not a label of the defined list",
    Verdict.FORM: "not in the form of this field",
    Verdict.CONTRADICTION: "impossible, or at odds with another field",
    Verdict.OTHER_RELEASE: "a label of the other release",
    Verdict.NOT_CHECKED: "not checked: the defined list is not public in full",
}

Counts = Mapping[str, Mapping[Verdict, int]]
"""By field, in the order of the specification, then by verdict; rows where a field does not apply are not counted."""

# What is wrong with a date that is one, as far as another field shows it.
_AT_ODDS = {
    "reporting_period_end_date": "d_period_end < d_period_start",
    "date_of_birth": f"d_born > d_period_end OR age >= {OLDEST}",
    "date_of_death": "d_died < d_born OR d_died > d_period_end",
    "event_start_date": "d_start > d_period_end OR d_start < d_born",
    # Requests, assessments and reviews are sent once they are complete, in the period in which they were.
    "event_end_date": "d_end < d_start OR d_end > d_period_end OR d_end < d_period_start",
}


def check(connection: duckdb.DuckDBPyConnection, rows: str, *, release: int, verdicts: str) -> Counts:
    """Check every field of `rows` (columns: the fields by name, with file, record and line) against `release`.

    Makes the temporary table `verdicts`: file, record, line and for each field its verdict's number, null where the
    field does not apply. Macros of `schemas.sql` must be installed.
    """
    connection.execute(f"CREATE OR REPLACE TEMP MACRO {PLAIN_MACRO}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE shared_number AS SELECT nhs_number(nhs_number) AS number FROM {rows}"
        " WHERE nhs_number(nhs_number) IS NOT NULL"
        " GROUP BY ALL HAVING count(DISTINCT la_person_unique_identifier) > 1"
    )
    cases = ", ".join(f"{_case(field, release)} AS {field.name}" for field in fields())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {verdicts} AS SELECT file, record, line, {cases}"
        f" FROM (SELECT r.*, {helpers()} FROM {rows} r) r"
    )
    names = ", ".join(field.name for field in fields())
    found = connection.execute(
        f"SELECT field, verdict, count(*) FROM (UNPIVOT {verdicts} ON {names} INTO NAME field VALUE verdict)"
        " GROUP BY ALL"
    ).fetchall()
    by_field: dict[str, dict[Verdict, int]] = {field.name: {} for field in fields()}
    for name, verdict, count in sorted(found):
        by_field[name][Verdict(verdict)] = count
    return by_field


def faults_sql(rows: str, verdicts: str, files: Mapping[int, str]) -> str:
    """SELECT of every fault with the ids of its record, and never the value."""
    titles = ", ".join(f"({quoted(f.name)}, {quoted(f.title)}, {at})" for at, f in enumerate(fields()))
    words = ", ".join(f"({v.value}, {quoted(v.words)})" for v in Verdict)
    named = ", ".join(f"({number}, {quoted(name)})" for number, name in files.items())
    names = ", ".join(field.name for field in fields())
    return (
        "SELECT r.la_person_unique_identifier, r.event_reference, title AS field, words AS fault,"
        " f.name AS extract_file, u.record AS extract_record, u.line AS extract_line"
        f" FROM (UNPIVOT {verdicts} ON {names} INTO NAME field VALUE verdict) u JOIN {rows} r USING (file, record)"
        f" JOIN (VALUES {titles}) t (field, title, place) USING (field) JOIN (VALUES {words}) w (verdict, words)"
        f" USING (verdict) JOIN (VALUES {named}) f (file, name) USING (file)"
        " WHERE verdict < 0 ORDER BY u.file, u.record, place"
    )


def _case(field: Field, release: int) -> str:
    applies, mandatory = CONDITIONS[field.name]
    x = f"r.{field.name}"
    return (
        f"CASE WHEN NOT ({applies}) THEN NULL WHEN {x} IS NULL AND ({mandatory}) THEN {Verdict.MISSING:d}"
        f" WHEN {x} IS NULL THEN {Verdict.BLANK:d} {_valid(field, x, release)} END"
    )


def _valid(field: Field, x: str, release: int) -> str:
    """Further arms of the CASE: which value is valid."""
    at_odds = f" WHEN {_AT_ODDS[field.name]} THEN {Verdict.CONTRADICTION:d}" if field.name in _AT_ODDS else ""
    form = f"THEN {Verdict.FORM:d}"
    match field.kind:
        case "date":
            return f"WHEN {parsed_day(field.name)} IS NULL {form}{at_odds} ELSE {Verdict.VALID:d}"
        case "nhs number":
            shared = "nhs_number(r.nhs_number) IN (SELECT number FROM shared_number)"
            return (
                f"WHEN nhs_number({x}) IS NULL {form} WHEN {shared} THEN {Verdict.CONTRADICTION:d}"
                f" ELSE {Verdict.VALID:d}"
            )
        case "postcode":
            # A pseudo-postcode (ZZ99...) says that there is none, which is an answer [assumed].
            return f"WHEN postcode_compact({x}) LIKE 'ZZ99%' THEN 1 WHEN postcode({x}) IS NULL {form} ELSE 1"
        case "number":
            number = f"TRY_CAST(translate({x}, '£, ', '') AS DECIMAL(18, 4))"
            return f"WHEN {number} IS NULL OR {number} < 0 {form} ELSE {Verdict.VALID:d}"
        case "list":
            return _listed(field, x, release)
        case _:
            return f"ELSE {Verdict.VALID:d}"


def _listed(field: Field, x: str, release: int) -> str:
    labels = field.labels
    unknown = Verdict.NOT_LISTED if release in labels.complete else Verdict.NOT_CHECKED
    if release in labels.complete:
        others = tuple(label for each in RELEASES if each != release for label in labels.labels.get(each, ()))
    else:
        # A label of the other release may well stand in what is not public of this one, unless it was renamed.
        others = tuple(labels.renamed if release == 2 else labels.renamed.values())
    other = f" WHEN {is_label(x, others)} THEN {Verdict.OTHER_RELEASE:d}" if others else ""
    return f"WHEN {is_label(x, labels.labels.get(release, ()))} THEN {Verdict.VALID:d}{other} ELSE {unknown:d}"


def is_label(x: str, labels: tuple[str, ...]) -> str:
    """SQL: whether `x` is one of the labels, but for case and punctuation; one that ends in * is a beginning."""
    whole = [plain_label(label) for label in labels if not label.endswith("*")]
    begins = [f"starts_with(cld_plain({x}), {quoted(plain_label(label))})" for label in labels if label.endswith("*")]
    parts = [*([f"cld_plain({x}) IN ({listed(whole)})"] if whole else []), *begins]
    return f"({' OR '.join(parts)})" if parts else "false"


def plain_label(label: str) -> str:
    """What the macro cld_plain makes of a label."""
    return label.rstrip("*").translate({ord(each): None for each in " -\u2013\u2014:;,./()&'\""}).lower()
