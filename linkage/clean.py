"""One narrow, clean row per source record: what the comparisons look at and nothing else.

In: `<side>.person`, `<side>.address`, `<side>.name`. Out: `<side>_record`, keyed by `id`, the row's place in
`<side>.person`. Values that say nothing (dummy dates, "unknown", gender 0 and 9) become null here, so that no later
step can take them for agreement or disagreement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.names import build_name_values, build_tokens

if TYPE_CHECKING:
    import duckdb

# Entered where a date of birth is not known. 1 January stays (it is a real birthday for one in 365), but it is common,
# which its frequency in the register says.
DUMMY_BIRTH_DATES = ("1900-01-01", "1901-01-01", "1800-01-01", "1899-12-30", "1899-12-31")

# The words left for a house without digits, such as "ROSE COTTAGE", and the numbers of one with: "FLAT 2, 14" is 2/14.
_HOUSE = """CASE WHEN {text} = '' THEN NULL
    WHEN regexp_matches({text}, '[0-9]')
        THEN array_to_string(list_slice(regexp_extract_all({text}, '[0-9]+[A-Z]?'), 1, 2), '/')
    ELSE array_to_string(list_slice(string_split(trim(regexp_replace({text}, '[^A-Z]+', ' ', 'g')), ' '), 1, 2), ' ')
    END"""


def clean(connection: duckdb.DuckDBPyConnection, sides: tuple[str, str]) -> None:
    """Make `<side>_record` for both sides, `name_value`, `name_token` and `nickname`."""
    build_name_values(connection, sides)
    build_tokens(connection)
    for side in sides:
        _build_extras(connection, side)
        _build_record(connection, side)


def _build_extras(connection: duckdb.DuckDBPyConnection, side: str) -> None:
    """Other names and former postcodes, one row per record that has any."""
    connection.execute(f"""
        CREATE OR REPLACE TABLE {side}_other_name AS
        SELECT p.rowid AS id,
               list_sort(list_distinct(flatten(list(list_concat([f.joined], coalesce(f.parts, [])))))) AS families,
               list_sort(list_distinct(flatten(list(coalesce(g.tokens, []))))) AS givens
        FROM {side}.name n
        JOIN {side}.person p USING (source, source_org, record_id)
        LEFT JOIN name_value f ON f.raw = n.family_name
        LEFT JOIN name_value g ON g.raw = n.given_name
        GROUP BY p.rowid""")
    connection.execute(f"""
        CREATE OR REPLACE TABLE {side}_other_unit AS
        SELECT p.rowid AS id, list_sort(list_distinct(list(a.postcode))) AS units
        FROM {side}.address a
        JOIN {side}.person p USING (source, source_org, record_id)
        WHERE a.postcode IS NOT NULL AND a.postcode IS DISTINCT FROM p.postcode
          AND a.address_type IS DISTINCT FROM 'correspondence'
        GROUP BY p.rowid""")


def _build_record(connection: duckdb.DuckDBPyConnection, side: str) -> None:
    dummies = ", ".join(f"DATE '{day}'" for day in DUMMY_BIRTH_DATES)
    text = "upper(coalesce(p.address_line_1, '') || ' ' || coalesce(p.address_line_2, ''))"
    # Postcode, house and name lists are null rather than empty where there is nothing, which keeps rows short.
    connection.execute(f"""
        CREATE OR REPLACE TABLE {side}_record AS
        WITH base AS (
            SELECT p.rowid AS id, CAST(p.nhs_number AS BIGINT) AS nhs,
                   given.tokens[1] AS given, given.tokens AS given_tokens, middle.tokens AS middle_tokens,
                   family.joined AS family,
                   nullif(list_filter(list_distinct(list_concat(
                       coalesce(family.parts, []), [previous.joined], coalesce(previous.parts, []),
                       coalesce(o.families, []))), lambda w: w IS NOT NULL AND w <> family.joined), [])
                       AS other_families,
                   o.givens,
                   CASE WHEN p.birth_date NOT IN ({dummies}) THEN p.birth_date END AS born,
                   p.birth_date_precision AS precision,
                   CASE WHEN p.gender IN ('1', '2') THEN CAST(p.gender AS UTINYINT) END AS gender,
                   p.postcode AS unit, {_HOUSE.format(text=f"trim({text})")} AS house, u.units AS other_units,
                   p.death_date IS NOT NULL AS dead
            FROM {side}.person p
            LEFT JOIN name_value given ON given.raw = p.given_name
            LEFT JOIN name_value middle ON middle.raw = p.middle_names
            LEFT JOIN name_value family ON family.raw = p.family_name
            LEFT JOIN name_value previous ON previous.raw = p.previous_family_name
            LEFT JOIN {side}_other_name o ON o.id = p.rowid
            LEFT JOIN {side}_other_unit u ON u.id = p.rowid
        )
        SELECT b.id, nhs, given, family,
               nullif(list_filter(list_distinct(list_concat(
                   coalesce(given_tokens[2:], []), coalesce(middle_tokens, []), coalesce(givens, []))),
                   lambda w: length(w) > 1 AND w <> given), []) AS other_givens,
               other_families, g.root AS given_root, g.sound AS given_sound, f.sound AS family_sound,
               CAST(CASE WHEN precision = 'YMD' THEN born END AS DATE) AS birth_date,
               CAST(year(born) AS SMALLINT) AS birth_year,
               CAST(CASE WHEN precision <> 'Y' THEN month(born) END AS UTINYINT) AS birth_month,
               CAST(CASE WHEN precision = 'YMD' THEN day(born) END AS UTINYINT) AS birth_day,
               gender, unit, postcode_sector(unit) AS sector, postcode_district(unit) AS district,
               CASE WHEN unit IS NOT NULL THEN house END AS house, other_units, dead
        FROM base b
        LEFT JOIN name_token g ON g.text = b.given
        LEFT JOIN name_token f ON f.text = b.family""")
