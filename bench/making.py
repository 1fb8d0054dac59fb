"""Makes the extracts that the synthetic generator does not write, each from its register, for `bench/read.py`.

    python bench/making.py NAME REGISTER.parquet PATH

A maker is a function of a store with the view `people` (the register: text columns) and the path to write to. A new
one is a function here, a name in `MAKERS` and a line in `read.EXTRACTS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import hospital

if TYPE_CHECKING:
    import duckdb

Maker: TypeAlias = "Callable[[duckdb.DuckDBPyConnection, Path], None]"
_BATCH = 50_000
_MOST_ANSWERS = 500_000
"""Of one DBS file, whose header has six digits for the count."""


def make(name: str, register: Path, path: Path) -> None:
    """Write the extract `name` of the people in `register` (Parquet) to `path`."""
    import duckdb

    from connectors.values import quoted

    with duckdb.connect() as store:
        store.execute("SET enable_progress_bar = false")
        store.execute(f"CREATE VIEW people AS FROM read_parquet({quoted(str(register))})")
        path.parent.mkdir(parents=True, exist_ok=True)
        MAKERS[name](store, path)


def _fhir(store: duckdb.DuckDBPyConnection, path: Path) -> None:
    """UK Core Patients by our own writer, with the former name and the address as lists."""
    from connectors.writers.fhir import write_patients

    lines = "[l for l in [address_line_1, address_line_2, address_line_3] if l IS NOT NULL]"
    period = "CAST(NULL AS DATE) AS from_date, CAST(NULL AS DATE) AS to_date"
    store.execute(
        "CREATE VIEW patients AS SELECT record_id AS patient_id, 'BENCH' AS custodian,"
        " p.* EXCLUDE (record_id, birth_date, death_date, restricted),"
        " TRY_CAST(rpad(birth_date, 10, '-01-01') AS DATE) AS birth_date,"
        " CASE length(birth_date) WHEN 4 THEN 'Y' ELSE 'YMD' END AS birth_date_precision,"
        " TRY_CAST(death_date AS DATE) AS death_date, restricted = 'true' AS restricted,"
        " CASE WHEN previous_family_name IS NULL THEN [] ELSE [(SELECT n FROM (SELECT 'previous' AS kind,"
        f" previous_family_name AS family, CAST(NULL AS VARCHAR) AS given, {period}) n)] END AS names,"
        f" [(SELECT a FROM (SELECT 'home' AS kind, {lines} AS lines, postcode, CAST(NULL AS VARCHAR) AS uprn,"
        f" {period}) a)] AS addresses,"
        " CAST([] AS STRUCT(scheme VARCHAR, value VARCHAR, from_date DATE, to_date DATE)[]) AS identifiers"
        " FROM people p"
    )
    write_patients(store, "patients", path)


# What both services answer of one who was found by number and date of birth.
_DAY, _DIED = "replace(rpad(birth_date, 10, '-01-01'), '-', '')", "replace(death_date, '-', '')"
_REFERENCE = "'CT' || lpad(CAST(row_number() OVER () AS VARCHAR), 8, '0')"


def _mpt(store: duckdb.DuckDBPyConnection, path: Path) -> None:
    """A reply of MPT: a header row, and an answer of 33 columns for each person."""
    from connectors.writers.lines import csv_line

    found = "coalesce(nhs_number, '0000000000')"
    cells = {
        **{1: _REFERENCE, 2: "nhs_number", 3: "upper(family_name)", 4: "upper(given_name)", 5: "upper(middle_names)"},
        **{6: "gender", 7: _DAY, 8: _DIED, 9: "upper(address_line_1)", 10: "upper(address_line_2)", 14: "postcode"},
        **{15: "gp_practice_code", 17: "'20261122'", 21: "phone", 22: "email"},
        **{25: "CASE WHEN nhs_number IS NULL THEN '98' ELSE '00' END", 26: found},
        **{27: "CASE WHEN nhs_number IS NULL THEN '0' ELSE '1' END"},
        **{28: "CASE WHEN nhs_number IS NULL THEN '0' ELSE '100' END"},
    }
    line = csv_line([cells.get(place, "''") for place in range(1, 34)])
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"RESP_MPTREQ_20261122090507_20261122100000,SPINE_MPT_RESPONSE,{_count(store)},00\r\n")
        for lines in _batches(store, f"SELECT {line} FROM people"):
            file.write("".join(f"{line}\r\n" for line in lines))


def _dbs(store: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Replies of DBS with a fixed-width body, in a folder of files that are as long as they may be."""
    from connectors.suppliers.dbs import LENGTHS
    from connectors.writers.dbs import Envelope
    from connectors.writers.lines import fixed_line

    found = "CASE WHEN nhs_number IS NULL THEN '' ELSE {} END"
    cells = {
        **{0: "CASE WHEN nhs_number IS NULL THEN '21' ELSE '30' END", 1: "reference", 7: "nhs_number", 10: _DAY},
        **{3: "nhs_number", 29: found.format(_DAY), 33: found.format(f"coalesce({_DIED}, '')")},
        **{35: found.format("upper(family_name)"), 37: found.format("upper(given_name)")},
        **{39: "upper(previous_family_name)", 41: "upper(middle_names)", 43: found.format("gender")},
        **{45: found.format("upper(address_line_1)"), 47: "upper(address_line_2)"},
        **{55: "postcode", 59: "gp_practice_code"},
    }
    line = fixed_line([(cells.get(place, "''"), length) for place, length in enumerate(LENGTHS)])
    folder.mkdir(exist_ok=True)
    total = _count(store)
    for number, first in enumerate(range(0, total, _MOST_ANSWERS), start=1):
        count = min(_MOST_ANSWERS, total - first)
        envelope = Envelope("X1", datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC), sequence=number)
        chosen = f"SELECT *, {_REFERENCE} AS reference FROM people LIMIT {count} OFFSET {first}"
        with (folder / f"answers-{number}.txt").open("w", encoding="utf-8", newline="") as file:
            # A reply has a 1 where a request has none.
            file.write(f"001{envelope.header(count)[3:]}\r\n")
            for lines in _batches(store, f"SELECT {line} FROM ({chosen})"):
                file.write("".join(f"{line}\r\n" for line in lines))
            file.write(f"991{envelope.trailer(count)[3:]}\r\n")


def _mosaic(store: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The reporting tables of Mosaic as CSV: people, the address each lives at with the one before, telephones."""
    from connectors.values import quoted

    folder.mkdir(exist_ok=True)
    number = "CAST(substr(record_id, 2) AS BIGINT)"
    born, died = (f"{day} || ' 00:00:00.000'" for day in ("rpad(birth_date, 10, '-01-01')", "death_date"))
    address = "concat_ws(chr(10), address_line_1, address_line_2, address_line_3)"
    tables = {
        "DM_PERSONS": f"SELECT {number} AS PERSON_ID, coalesce(nhs_number, '0') AS NHS_ID, NULL AS UPN_ID,"
        " concat_ws(' ', given_name, family_name) AS FULL_NAME, NULL AS TITLE, given_name AS FIRST_NAME,"
        f" family_name AS LAST_NAME, {born} AS DATE_OF_BIRTH, {died} AS DATE_OF_DEATH,"
        " CASE gender WHEN '1' THEN 'M' WHEN '2' THEN 'F' ELSE 'U' END AS GENDER,"
        " CASE restricted WHEN 'true' THEN 'Y' ELSE 'N' END AS RESTRICTED, NULL AS PERSON_ID_LEGACY,"
        " ethnicity AS FULL_ETHNICITY_CODE, email AS EMAIL_ADDRESS, 'A' AS CONTEXT_FLAG FROM people",
        "DM_ADDRESSES": f"SELECT {number} * 10 + n AS REF_ADDRESSES_PEOPLE_ID, {number} AS PERSON_ID,"
        " CASE n WHEN 0 THEN '2010-01-01 00:00:00' ELSE '2001-05-01 00:00:00' END AS START_DATE,"
        " CASE n WHEN 1 THEN '2010-01-01 00:00:00' END AS END_DATE,"
        f" CASE n WHEN 0 THEN {address} ELSE '1 Former Street' || chr(10) || 'Bexford' END AS ADDRESS,"
        " postcode AS POST_CODE, 'MAIN' AS ADDRESS_TYPE, 'Y' AS IS_CONTACT_ADDRESS, 'Y' AS IS_DISPLAY_ADDRESS,"
        " NULL AS UNIQUE_ID FROM people, range(2) former(n) WHERE n < 1 + hash(record_id) % 2",
        "DM_TELEPHONE_NUMBERS": f"SELECT row_number() OVER () AS TELEPHONE_NUMBER_ID, {number} AS PERSON_ID,"
        " phone AS TELEPHONE_NUMBER, 'Mobile' AS TELEPHONE_NUMBER_TYPE FROM people WHERE phone IS NOT NULL",
    }
    for name, select in tables.items():
        store.execute(f"COPY ({select}) TO {quoted(str(folder / f'{name}.csv'))} (HEADER)")


def _count(store: duckdb.DuckDBPyConnection) -> int:
    ((count,),) = store.execute("SELECT count(*) FROM people").fetchall()
    return int(count)


def _batches(store: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[str]]:
    result = store.execute(query)
    while batch := result.fetchmany(_BATCH):
        yield [line for (line,) in batch]


MAKERS: Mapping[str, Maker] = {"fhir": _fhir, "mpt": _mpt, "dbs": _dbs, "mosaic": _mosaic, **hospital.MAKERS}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    make(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
