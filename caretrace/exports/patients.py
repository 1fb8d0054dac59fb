"""A run's clients as rows of `connectors.writers.fhir`: one for each client record, or one for each person.

The NHS number is the client's own, or the one that was traced, or the one the run found. Its status is "present and
verified" where the tracing service confirmed it or the client list says so itself: a link is no trace. A link that an
answer of the service speaks against is left out, and so is a number that several clients are linked to. Where the own
number differs from the traced or linked one, it stands with status 05, which means just that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from caretrace.exports import traced
from connectors.values import quoted
from connectors.writers.fhir import FHIR_ID, Form, Verification, write_patients
from governance import at_rest
from schemas.person import PERSON

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Grain(Enum):
    """What a Patient stands for."""

    RECORD = "record"
    PERSON = "person"
    """The person's first client record (by source, organisation and id) with the ids and other names of all of them."""


@dataclass(frozen=True)
class Asked:
    """What the user wants of an export."""

    grain: Grain = Grain.RECORD
    form: Form = Form.NDJSON
    verification: Verification = Verification.ENGLAND
    restricted: Literal["leave-out", "mark"] = "leave-out"
    trace_required: Literal["probabilistic", "always", "never"] = "probabilistic"
    """Which links carry status 03 (trace required) instead of 02 (present, not traced), as in load_back.csv."""


@dataclass(frozen=True)
class Written:
    """What was written, in counts."""

    patients: int
    restricted_left_out: int
    statuses: dict[str, int]
    """Patients by the status of their NHS number; "none" are those without a number."""
    several: int
    """Patients without a number because several clients are linked to one."""


# What PERSON holds between the key and the test flag.
_COLUMNS = PERSON.names[PERSON.names.index("nhs_number") + 2 : PERSON.names.index("test_record")]
_KEY = "source, source_org, record_id"


def write(
    connection: duckdb.DuckDBPyConnection, run: Path, path: Path, asked: Asked, *, answers: pa.Table | None = None
) -> Written:
    """Write the clients of the run folder `run` to `path`; reads the run's Parquet files only.

    `answers` of the tracing service are those of `caretrace.trace.results.of_run`.
    """
    traced.make(connection, answers)
    _make_records(connection, run, asked)
    [(left_out,)] = connection.execute("SELECT count(*) FROM fhir_record WHERE restricted").fetchall()
    where = "WHERE NOT restricted" if asked.restricted == "leave-out" else ""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fhir_patient AS {_patients(run, asked.grain, where)}")
    patients = write_patients(connection, "fhir_patient", path, form=asked.form, verification=asked.verification)
    found = connection.execute(
        "SELECT coalesce(nhs_number_status, 'none'), count(*) FROM fhir_patient GROUP BY 1 ORDER BY 1"
    ).fetchall()
    [(several,)] = connection.execute("SELECT count(*) FROM fhir_patient WHERE several").fetchall()
    return Written(patients, left_out if asked.restricted == "leave-out" else 0, dict(found), several)


def _make_records(connection: duckdb.DuckDBPyConnection, run: Path, asked: Asked) -> None:
    """`fhir_record`: every client record with its number and status, and an id that FHIR allows."""
    probable = {"probabilistic": "l.method = 'probabilistic'", "always": "true", "never": "false"}[asked.trace_required]
    others = ", ".join(f"p.{name}" for name in _COLUMNS if name != "restricted")
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE fhir_record AS
        WITH linked AS (
            SELECT *, count(*) OVER (PARTITION BY nhs_number) AS claimants FROM {_parquet(run / "links.parquet")}
            WHERE decision = 'link' AND nhs_number IS NOT NULL
        ), sealed AS (
            SELECT DISTINCT nhs_number FROM {_table(run, "person")}
            WHERE side = 'register' AND restricted AND nhs_number IS NOT NULL
        ), client AS (
            SELECT *, count(*) OVER (PARTITION BY record_id) AS same_id FROM {_table(run, "person")}
            WHERE side = 'client'
        )
        SELECT p.person_key, p.source, p.source_org, p.record_id, {others},
            coalesce(p.restricted, false) OR s.nhs_number IS NOT NULL AS restricted,
            p.nhs_number IS NULL AND t.verdict IS NULL AND coalesce(l.claimants, 0) > 1 AS several,
            coalesce(p.nhs_number, t.nhs_number, CASE WHEN t.verdict IS NULL AND l.claimants = 1 THEN l.nhs_number END)
                AS nhs_number,
            CASE WHEN p.nhs_number <> t.nhs_number THEN '05'
                 WHEN t.nhs_number IS NOT NULL THEN '01'
                 WHEN t.verdict IS NOT NULL THEN CASE WHEN p.nhs_number IS NULL THEN NULL
                    WHEN t.verdict IN ('NOT_FOUND', 'ASK_AGAIN', 'ASK_WITH_MORE') THEN '04' ELSE '05' END
                 WHEN p.nhs_number <> l.nhs_number THEN '05'
                 WHEN p.nhs_number IS NOT NULL THEN coalesce(p.nhs_number_status, '02')
                 WHEN l.claimants = 1 THEN CASE WHEN {probable} THEN '03' ELSE '02' END END AS nhs_number_status,
            CASE WHEN same_id = 1 AND regexp_full_match(p.record_id, '{FHIR_ID}') THEN p.record_id
                 ELSE sha256(to_json([p.source, p.source_org, p.record_id])) END AS patient_id
        FROM client p LEFT JOIN linked l USING ({_KEY})
        LEFT JOIN (SELECT * REPLACE (CASE WHEN {traced.TRACED} THEN nhs_number END AS nhs_number) FROM trace_result) t
            USING ({_KEY})
        LEFT JOIN sealed s ON s.nhs_number = coalesce(p.nhs_number, t.nhs_number, l.nhs_number)""")


def _patients(run: Path, grain: Grain, where: str) -> str:
    """SELECT of the rows for the writer: for each record, or for the first record of each person."""
    group = "person_key" if grain is Grain.PERSON else _KEY
    first = f"row_number() OVER (PARTITION BY {group} ORDER BY {_KEY})"
    columns = ", ".join(f"m.{name}" for name in _COLUMNS)
    identity = "m.person_key" if grain is Grain.PERSON else "m.patient_id"
    # A record's own id goes along where it is not the Patient's.
    own = "true" if grain is Grain.PERSON else "patient_id <> record_id"
    return f"""WITH chosen AS (SELECT *, {first} AS place FROM fhir_record {where}), main AS (
            SELECT * FROM chosen WHERE place = 1
        ), identified AS (
            SELECT {group}, list(DISTINCT {{'scheme': scheme, 'value': value, 'from_date': from_date,
                'to_date': to_date}} ORDER BY {{'scheme': scheme, 'value': value, 'from_date': from_date,
                'to_date': to_date}}) AS identifiers
            FROM (
                SELECT c.person_key, {_with("c", _KEY)}, i.scheme, i.value, i.from_date, i.to_date
                FROM {_table(run, "identifier")} i JOIN chosen c USING ({_KEY})
                WHERE i.side = 'client' AND i.value IS NOT NULL AND i.scheme IS NOT NULL
                UNION ALL SELECT person_key, {_KEY}, source, record_id, NULL, NULL FROM chosen WHERE {own}
            ) GROUP BY ALL
        ), named AS (
            SELECT {group}, list(DISTINCT {{'kind': kind, 'family': family, 'given': given, 'from_date': from_date,
                'to_date': to_date}} ORDER BY {{'kind': kind, 'family': family, 'given': given,
                'from_date': from_date, 'to_date': to_date}}) AS names
            FROM (
                SELECT c.person_key, {_with("c", _KEY)}, n.name_type AS kind, n.family_name AS family,
                    n.given_name AS given, n.from_date, n.to_date
                FROM {_table(run, "name")} n JOIN chosen c USING ({_KEY}) WHERE n.side = 'client'
                UNION ALL
                SELECT person_key, {_KEY}, 'previous', previous_family_name, NULL, NULL, NULL FROM chosen c
                WHERE previous_family_name IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM {_table(run, "name")} n WHERE n.side = 'client' AND n.source = c.source
                    AND n.source_org = c.source_org AND n.record_id = c.record_id
                    AND n.family_name = c.previous_family_name)
            ) GROUP BY ALL
        ), placed AS (
            SELECT {_KEY}, list({{'kind': kind, 'lines': lines, 'postcode': postcode, 'uprn': uprn,
                'from_date': from_date, 'to_date': to_date}} ORDER BY is_present DESC, from_date DESC NULLS LAST, lines,
                postcode, kind, to_date, uprn) AS addresses
            FROM (
                SELECT {_with("a", _KEY)}, a.address_type AS kind, {_lines("a")} AS lines, a.postcode, a.uprn,
                    a.from_date, a.to_date, false AS is_present
                FROM {_table(run, "address")} a WHERE a.side = 'client'
                UNION ALL
                SELECT {_KEY}, 'home', {_lines("c")}, c.postcode, c.uprn, NULL, NULL, true FROM main c
                WHERE (len({_lines("c")}) > 0 OR c.postcode IS NOT NULL) AND NOT EXISTS (
                    SELECT 1 FROM {_table(run, "address")} a WHERE a.side = 'client' AND a.source = c.source
                    AND a.source_org = c.source_org AND a.record_id = c.record_id AND a.address_type = 'home'
                    AND a.to_date IS NULL AND {_lines("a")} = {_lines("c")}
                    AND a.postcode IS NOT DISTINCT FROM c.postcode)
            ) GROUP BY ALL
        )
        SELECT {identity} AS patient_id, m.source_org AS custodian, m.nhs_number, m.nhs_number_status, {columns},
            m.several, coalesce(names, []) AS names, coalesce(addresses, []) AS addresses,
            coalesce(identifiers, []) AS identifiers
        FROM main m LEFT JOIN identified USING ({group}) LEFT JOIN named USING ({group})
        LEFT JOIN placed USING ({_KEY})"""


def _with(alias: str, names: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in names.split(", "))


def _lines(alias: str) -> str:
    lines = ", ".join(f"{alias}.address_line_{n}" for n in range(1, 6))
    return f"list_filter([{lines}], lambda l: l IS NOT NULL)"


def _table(run: Path, name: str) -> str:
    return _parquet(run / "linked" / f"{name}.parquet")


def _parquet(path: Path) -> str:
    return f"read_parquet({quoted(str(at_rest.readable(path)))})"
