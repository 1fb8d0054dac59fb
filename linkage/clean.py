"""One narrow, clean row per source record: what the comparisons look at and nothing else.

In: `<side>.person`, `.address`, `.name`, `.identifier`. Out: `<side>_record`, keyed by `id`, the row's number in
`<side>.person`; its `key` is a hash of the source key and settles every draw and every tie, so that the order of the
rows decides nothing. Values that say nothing (dummy dates, "unknown", gender 0 and 9) become null here, so that no
later step can take them for agreement or disagreement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linkage.names import build_names
from schemas.person import NHS_NUMBER_AS_ENTERED, SUPERSEDED_NHS_NUMBER

if TYPE_CHECKING:
    import duckdb

# Entered where a date of birth is not known. 1 January stays (it is a real birthday for one in 365), but it is common,
# which its frequency in the register says.
DUMMY_BIRTH_DATES = ("1900-01-01", "1901-01-01", "1800-01-01", "1899-12-30", "1899-12-31")

# The numbers of an address ("FLAT 2, 14 HIGH STREET" is 2 14), or the letters it begins with where it has none.
_NUMBERS = "regexp_extract({text}, '[0-9]+(?:[^0-9]+[0-9]+)?')"
_HOUSE = """CASE WHEN {numbers} <> '' THEN regexp_replace({numbers}, '[^0-9]+', ' ')
    ELSE nullif(regexp_replace(upper({text}), '[^A-Z]+', '', 'g')[:12], '') END"""
# The first words of a line after its number: HIGH STREET of "FLAT 2, 14 HIGH STREET". "FLAT 2" has none, so the next
# line is asked; without any number the first words of the first line will do.
_STREET = """coalesce(
    nullif(regexp_extract(upper({one}), '[0-9][A-Z]?[^A-Z0-9]+([A-Z]{{2,12}}(?: [A-Z]+)?)', 1), ''),
    nullif(regexp_extract(upper({two}), '[0-9][A-Z]?[^A-Z0-9]+([A-Z]{{2,12}}(?: [A-Z]+)?)', 1), ''),
    nullif(regexp_extract(upper({one}), '^[^A-Z0-9]*([A-Z]{{2,12}}(?: [A-Z]+)?)', 1), ''))"""


@dataclass(frozen=True)
class Held:
    """Where the source records are: tables `<prefix><side>.person` and its like, numbered by their column `row`."""

    prefix: str = ""
    row: str = "rowid"


STORE = Held()
"""The working store of a single run."""


def clean(connection: duckdb.DuckDBPyConnection, sides: tuple[str, ...], held: Held = STORE) -> None:
    """Make `<side>_record` and `<side>_named` for each side, `name_value` and `nickname`."""
    build_names(connection, tuple(f"{held.prefix}{side}" for side in sides))
    for side in sides:
        clean_side(connection, side, held)
    name_records(connection, sides, held)


def clean_side(connection: duckdb.DuckDBPyConnection, side: str, held: Held = STORE) -> None:
    """Make `<side>_record` of one side, once `name_value` is made of both."""
    _build_extras(connection, side, held)
    _build_record(connection, side, held)


def name_records(connection: duckdb.DuckDBPyConnection, sides: tuple[str, ...], held: Held = STORE) -> None:
    """Make the views `<side>_named` (id, source, source_org, record_id): which source record each id is."""
    for side in sides:
        connection.execute(f"""
            CREATE OR REPLACE TEMP VIEW {side}_named AS
            SELECT {held.row} AS id, source, source_org, record_id FROM {held.prefix}{side}.person""")


def _build_extras(connection: duckdb.DuckDBPyConnection, side: str, held: Held) -> None:
    """Other names and former postcodes, one row per record that has any."""
    at = f"{held.prefix}{side}"
    connection.execute(f"""
        CREATE OR REPLACE TABLE {side}_other_name AS
        SELECT p.{held.row} AS id,
               nullif(list_sort(list_distinct(flatten(list(coalesce(f.parts, []) || [f.joined])))), []) AS families,
               nullif(list_sort(list_distinct(flatten(list(coalesce(g.words, []))))), []) AS givens
        FROM {at}.name n
        JOIN {at}.person p USING (source, source_org, record_id)
        LEFT JOIN name_value f ON f.raw = n.family_name
        LEFT JOIN name_value g ON g.raw = n.given_name
        GROUP BY p.{held.row}""")
    connection.execute(f"""
        CREATE OR REPLACE TABLE {side}_other_unit AS
        SELECT p.{held.row} AS id, list_sort(list_distinct(list(a.postcode))) AS units
        FROM {at}.address a
        JOIN {at}.person p USING (source, source_org, record_id)
        WHERE a.postcode IS NOT NULL AND a.postcode IS DISTINCT FROM p.postcode
          AND a.address_type IS DISTINCT FROM 'correspondence'
        GROUP BY p.{held.row}""")
    about_numbers = f"i.scheme IN ('{SUPERSEDED_NHS_NUMBER}', '{NHS_NUMBER_AS_ENTERED}')"
    connection.execute(f"""
        CREATE OR REPLACE TABLE {side}_other_id AS
        SELECT p.{held.row} AS id,
               list_sort(list_distinct(list(hash(i.scheme, upper(i.value))) FILTER (NOT {about_numbers}))) AS ids,
               list_sort(list_distinct(list(hash(i.scheme)) FILTER (NOT {about_numbers}))) AS schemes,
               min(i.value) FILTER (i.scheme = '{NHS_NUMBER_AS_ENTERED}') AS nhs_entered,
               list_sort(list_distinct(list(CAST(nhs_number(i.value) AS BIGINT))
                   FILTER (i.scheme = '{SUPERSEDED_NHS_NUMBER}' AND nhs_number(i.value) IS NOT NULL))) AS former_nhs
        FROM {at}.identifier i
        JOIN {at}.person p USING (source, source_org, record_id)
        WHERE i.value IS NOT NULL AND i.scheme IS NOT NULL
        GROUP BY p.{held.row}""")


def _build_record(connection: duckdb.DuckDBPyConnection, side: str, held: Held) -> None:
    dummies = ", ".join(f"DATE '{day}'" for day in DUMMY_BIRTH_DATES)
    text = "concat_ws(' ', p.address_line_1, p.address_line_2)"
    # A client's error rates are those of its system; a register's are the register's.
    source = "p.source, " if side == "clients" else ""
    # Lists are null where there is nothing to list: most people have one name and one address, and a million empty
    # lists cost more than the rest of the row.
    connection.execute(f"""
        CREATE OR REPLACE TABLE {side}_record AS
        WITH base AS (
            SELECT p.{held.row} AS id, {source}hash(p.source, p.source_org, p.record_id) AS key,
                   CAST(p.nhs_number AS BIGINT) AS nhs,
                   given.first AS given, coalesce(given.second, middle.first) AS middle, family.joined AS family,
                   CASE WHEN coalesce(given.rest, o.givens) IS NULL THEN middle.words ELSE
                       coalesce(given.rest, []) || coalesce(middle.words, []) || coalesce(o.givens, [])
                       END AS other_givens,
                   CASE WHEN coalesce(family.parts, previous.parts, o.families) IS NOT NULL
                          OR previous.joined IS NOT NULL THEN
                       coalesce(family.parts, []) || coalesce(previous.parts, [])
                       || CASE WHEN previous.joined IS NULL THEN [] ELSE [previous.joined] END
                       || coalesce(o.families, []) END AS other_families,
                   given.first_root AS given_root, given.first_sound AS given_sound,
                   given.first_letters AS given_letters,
                   family.joined_sound AS family_sound, family.joined_letters AS family_letters,
                   CASE WHEN p.birth_date NOT IN ({dummies}) THEN p.birth_date END AS born,
                   p.birth_date_precision AS precision,
                   CASE WHEN p.gender IN ('1', '2') THEN CAST(p.gender AS UTINYINT) END AS gender,
                   p.postcode AS unit,
                   {text} AS lines, {_NUMBERS.format(text=text)} AS house,
                   {_STREET.format(one="p.address_line_1", two="p.address_line_2")} AS street,
                   nullif(regexp_replace(upper(coalesce(p.address_line_3, p.address_line_4)), '[^A-Z]+', '', 'g'), '')
                       AS town,
                   u.units AS other_units, i.nhs_entered, i.former_nhs, i.ids, i.schemes
            FROM {held.prefix}{side}.person p
            LEFT JOIN name_value given ON given.raw = p.given_name
            LEFT JOIN name_value middle ON middle.raw = p.middle_names
            LEFT JOIN name_value family ON family.raw = p.family_name
            LEFT JOIN name_value previous ON previous.raw = p.previous_family_name
            LEFT JOIN {side}_other_name o ON o.id = p.{held.row}
            LEFT JOIN {side}_other_unit u ON u.id = p.{held.row}
            LEFT JOIN {side}_other_id i ON i.id = p.{held.row}
        ),
        housed AS (SELECT * EXCLUDE (lines) REPLACE ({_HOUSE.format(numbers="house", text="lines")} AS house) FROM base)
        SELECT * EXCLUDE (born, precision),
               CAST(CASE WHEN precision = 'YMD' THEN born END AS DATE) AS birth_date,
               CAST(year(born) AS SMALLINT) AS birth_year,
               CAST(CASE WHEN precision <> 'Y' THEN month(born) END AS UTINYINT) AS birth_month,
               CAST(CASE WHEN precision = 'YMD' THEN day(born) END AS UTINYINT) AS birth_day,
               coalesce(postcode_district(unit), town) AS district,
               coalesce(unit, house || ' ' || street[:6]) AS place
        FROM housed""")
