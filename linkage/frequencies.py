"""How common things are in the register: the u of agreeing on a Smith is not that of agreeing on a Featherstonehaugh.

Fields that depend on each other are taken together by the chain rule, so that nothing is counted twice: a given name is
as common as it is among people of that gender and decade of birth (Doris), and a family name as common as it is among
people of that given name (Mohammed Khan). Small counts lean on the wider frequency.

Were the two records two people, a name would have been seen on the client too: so the register's count, candidate
included, stands for the others and the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linkage.literal import double
from linkage.model import USUAL_TOGETHER
from linkage.names import cleaned_sql

if TYPE_CHECKING:
    import duckdb

# Rows of the wider frequency that a narrower count leans on [assumed]; larger trusts the narrow count less.
LEAN_REGISTER, LEAN_COHORT = 1000, 50
LEAN_TOGETHER = 20.0
"""People expected that the usual `names_together` counts for [assumed]."""
MOST_FREELY = 100.0
"""`names_together` of a register in which given and family names have nothing to do with each other [assumed]."""
_SAMPLED, _FEW = 100_000, 5
LEAN_POPULATION = 20_000
"""The same, where the wider frequency is each name's own in a population [assumed]: a practice's register says little
about rare names, and a county's needs no help."""
# Chance that two people of England agree, for a register too small to say [assumed]; it weighs as much as the pairs
# that some 300 people make.
USUAL_YEAR = 1 / 80
USUAL_AGREEMENT = {"given": 0.006, "middle": 0.012, "family": 0.0012, "birth_date": 1 / 32_850, "unit": 1 / 500_000}
_AGREE_PAIRS = 100_000
_AGREEING = {"given": "f_given", "middle": "f_middle", "family": "f_family", "birth_date": "f_birth", "unit": "f_unit"}


@dataclass(frozen=True)
class Frequencies:
    """What the u columns of `pair_level` are computed from."""

    people: int
    """Distinct people in the register."""
    agree: dict[str, float]
    """Chance that two random register people agree, by column."""
    numbered: float = 1.0
    """Share of them who have an NHS number."""
    names_together: float = USUAL_TOGETHER
    """Of the register at hand; a linkage goes by its model's."""
    population: bool = False
    """Whether names lean on a population's frequencies, in column `share` of `f_given` and `f_family`."""


OF_VALUES = ("f_given", "f_family", "f_cohort", "f_given_cohort")
"""Tables of the register's counts that the joins of `u_joins` ask."""
FOR_CLIENTS = ("f_names", "f_house", "f_birth", "f_unit", "f_middle", "f_middle_cohort", "f_middle_known")
"""Tables of its counts that `count_clients` asks."""


def count_frequencies(connection: duckdb.DuckDBPyConnection) -> Frequencies:
    """Make the tables OF_VALUES, `register_people`, and `f_client`: what the u of every pair is computed from."""
    frequencies = count_register(connection)
    count_clients(connection)
    for table in FOR_CLIENTS:
        connection.execute(f"DROP TABLE {table}")
    return frequencies


def count_register(connection: duckdb.DuckDBPyConnection, *, every: bool = False) -> Frequencies:
    """Make `register_people` and the tables OF_VALUES and FOR_CLIENTS, of what clients have or of `every` value.

    Counted over people, not rows: somebody registered at two practices counts once. Where the store holds
    `population_name` (name_type, name, people), names lean on it.
    """
    # A view, for a copy of a long register takes more time and memory than every look at it through a view.
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE register_again AS
        WITH repeated AS (
            SELECT nhs, min_by(id, key) AS id FROM register_record
            SEMI JOIN (SELECT nhs FROM register_record GROUP BY nhs HAVING count(*) > 1) USING (nhs) GROUP BY nhs
        )
        SELECT r.id FROM register_record r JOIN repeated d USING (nhs) WHERE r.id <> d.id""")
    again = connection.execute("FROM register_again LIMIT 1").fetchall()
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW register_people AS
        SELECT given, middle, family, gender, birth_year // 10 AS decade, birth_date, unit, house, place,
            nhs IS NOT NULL AS numbered
        FROM register_record {"ANTI JOIN register_again USING (id)" if again else ""}""")
    for name, columns in {
        "f_given": "given",
        "f_family": "family",
        "f_birth": "birth_date",
        "f_unit": "unit",
        "f_cohort": "gender, decade",
        "f_given_cohort": "given, gender, decade",
        "f_middle": "middle",
        "f_middle_cohort": "middle, gender, decade",
    }.items():
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT {columns}, count(*) AS n FROM register_people
            WHERE {" AND ".join(f"{column} IS NOT NULL" for column in columns.split(", "))} GROUP BY {columns}""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE f_middle_known AS
        SELECT gender, decade, CAST(sum(n) AS BIGINT) AS n FROM f_middle_cohort GROUP BY ALL""")
    population = _lay_under(connection)
    for name, columns in {"f_names": "given, family", "f_house": "unit, house"}.items():
        known = f"WHERE {' AND '.join(f'{column} IS NOT NULL' for column in columns.split(', '))}"
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT {columns}, count(*) AS n FROM register_people
            {known if every else f"SEMI JOIN clients_record USING ({columns})"} GROUP BY {columns}""")
    ((people, numbered),) = connection.execute(
        "SELECT count(*), coalesce(avg(CAST(numbered AS INTEGER)), 0) FROM register_people"
    ).fetchall()
    agree = {}
    for column, table in _AGREEING.items():
        ((same, known),) = connection.execute(
            f"SELECT coalesce(sum(n * (n - 1)), 0)::DOUBLE, coalesce(sum(n), 0)::DOUBLE FROM {table}"
        ).fetchall()
        agree[column] = (same + _AGREE_PAIRS * USUAL_AGREEMENT[column]) / (known * max(known - 1, 0) + _AGREE_PAIRS)
    return Frequencies(people, agree, numbered, names_together(connection, people), population)


def names_together(connection: duckdb.DuckDBPyConnection, people: int) -> float:
    """How freely given and family names combine in `register_people`: from near 0, hardly, to MOST_FREELY, by chance.

    How often a given name is followed by a family name, against what their own frequencies say, is taken for a factor
    of mean 1 that a gamma distribution of this shape gives each combination. Then k other people are expected to bear
    somebody's names where chance alone would bring e, with k/e = 1 + 1/shape: a register of one community has a ratio
    of 1, one of several, whose names seldom mix, of 3 or more. Counted on combinations of which chance brings fewer
    than five, since commoner ones decide nothing; two rows of the same names and birth date are one person.
    """
    often = max(people // _SAMPLED, 1)
    ((met, by_chance),) = connection.execute(f"""
        WITH days AS (
            SELECT given, family, birth_date, count(*) AS n FROM register_people
            WHERE given IS NOT NULL AND family IS NOT NULL AND hash(given, family) % {often} = 0 GROUP BY ALL
        ),
        named AS (
            SELECT given, family, sum(n) AS n, sum(CASE WHEN birth_date IS NOT NULL THEN n * (n - 1) END) AS again
            FROM days GROUP BY given, family
        )
        SELECT sum(CAST(k.n * (k.n - 1) - coalesce(again, 0) AS HUGEINT))::DOUBLE,
               sum(CAST(k.n * (g.n - 1) * (f.n - 1) AS HUGEINT))::DOUBLE
        FROM named k JOIN f_given g USING (given) JOIN f_family f USING (family)
        WHERE (g.n - 1) * (f.n - 1) < {_FEW} * {people}""").fetchall()
    usual = 1 + 1 / USUAL_TOGETHER
    others = (met or 0.0) + LEAN_TOGETHER * usual
    ratio = others / ((by_chance or 0.0) / max(people, 1) + LEAN_TOGETHER)
    return 1 / max(ratio - 1, 1 / MOST_FREELY)


def forget_people(connection: duckdb.DuckDBPyConnection) -> None:
    """Take `register_people` away again."""
    connection.execute("DROP VIEW IF EXISTS register_people; DROP TABLE IF EXISTS register_again")


def count_clients(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `f_client`: how many people of the register share a client's names, birth date, postcode and house.

    Where a pair agrees these are the counts of either side.
    """
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE f_client AS
        SELECT l.id, coalesce(fn.n, 1) AS names, coalesce(fb.n, 1) AS birth, coalesce(fu.n, 1) AS unit,
               coalesce(fh.n, 1) AS house, coalesce(fm.n, 1) AS middle, coalesce(fmc.n, 1) AS middle_cohort,
               coalesce(fmk.n, 1) AS middle_known, coalesce(fy.n, 1) AS year,
               (SELECT coalesce(sum(n), 1) FROM f_birth)::BIGINT AS dated,
               (SELECT coalesce(sum(n), 1) FROM f_middle)::BIGINT AS middles
        FROM clients_record l
        LEFT JOIN f_names fn USING (given, family)
        LEFT JOIN f_birth fb USING (birth_date)
        LEFT JOIN (SELECT year(birth_date) AS year, CAST(sum(n) AS BIGINT) AS n FROM f_birth GROUP BY 1) fy
            ON fy.year = l.birth_year
        LEFT JOIN f_unit fu USING (unit)
        LEFT JOIN f_house fh USING (unit, house)
        LEFT JOIN f_middle fm USING (middle)
        LEFT JOIN f_middle_known fmk ON fmk.gender = l.gender AND fmk.decade = l.birth_year // 10
        LEFT JOIN f_middle_cohort fmc
            ON fmc.middle = l.middle AND fmc.gender = l.gender AND fmc.decade = l.birth_year // 10""")


def _lay_under(connection: duckdb.DuckDBPyConnection) -> bool:
    """Add `share`, a name's share of the population, to `f_given` and `f_family`; null where there is no population."""
    given = exists(connection, "population_name")
    for column in ("given", "family"):
        if not given:
            connection.execute(f"ALTER TABLE f_{column} ADD COLUMN share DOUBLE")
            continue
        # Whoever is on no list is rarer than the rarest who is: as common as one person would be.
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE f_{column} AS
            WITH named AS (
                SELECT {cleaned_sql("name")} AS {column}, sum(people) AS people FROM population_name
                WHERE name_type = '{column}' GROUP BY ALL
            ),
            everybody AS (SELECT sum(people) + 1 AS people FROM named)
            SELECT {column}, coalesce(f.n, 1) AS n,
                   CAST(coalesce(named.people, 1) AS DOUBLE) / everybody.people AS share
            FROM f_{column} f FULL JOIN named USING ({column}), everybody
            WHERE {column} <> ''""")
    return given


def exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the store holds a table that callers may leave out."""
    return bool(
        connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE table_name = ? AND database_name IN (current_database(), 'temp')",
            [table],
        ).fetchall()
    )


def u_columns(frequencies: Frequencies) -> dict[str, str]:
    """The frequency columns of `pair_level` as SQL over the joins of `u_joins`."""
    n, lean = max(frequencies.people, 1), LEAN_REGISTER

    def share(count: str, column: str) -> str:
        return f"({count} + {double(lean * frequencies.agree[column])}) / {double(n + lean)}"

    def name_share(alias: str, column: str) -> str:
        if not frequencies.population:
            return share(f"coalesce({alias}.n, 1)", column)
        wider = f"coalesce({alias}.share, {double(frequencies.agree[column])})"
        return f"(coalesce({alias}.n, 1) + {LEAN_POPULATION} * {wider}) / {double(n + LEAN_POPULATION)}"

    given = name_share("fg", "given")
    given_u = f"(coalesce(fgc.n, 1) + {LEAN_COHORT} * {given}) / (coalesce(fc.n, 1) + {LEAN_COHORT})"
    family = name_share("ff", "family")
    # A client of these names who is not in the register is met beside n people of them where e are expected: the gamma
    # of `names_together` makes n + shape of e + shape, and either one of the n is the client or none is.
    together = double(frequencies.names_together)
    family_u = (
        f"CASE WHEN l.given = r.given THEN {family} * (fl.names + {together})"
        f" / (coalesce(fg.n, 1) * {family} + {together}) ELSE {family} END"
    )
    unit = share("fl.unit", "unit")
    middle = f"(fl.middle + {double(lean * frequencies.agree['middle'])}) / (fl.middles + {double(lean)})"
    middle_u = f"(fl.middle_cohort + {LEAN_COHORT} * {middle}) / (fl.middle_known + {LEAN_COHORT})"
    return {
        "given_u": given_u,
        # Any of a handful of nicknames would have done as well.
        "nickname_u": f"least(3 * {given_u}, 1)",
        "middle_u": middle_u,
        "family_u": family_u,
        "family_near_u": family,
        "other_family_u": f"least({family} + {name_share('ffl', 'family')}, 1)",
        "birth_u": share("fl.birth", "birth_date"),
        "year_u": f"(fl.year + {double(lean * USUAL_YEAR)}) / (fl.dated + {double(lean)})",
        "house_u": f"fl.house / {double(n)}",
        "unit_u": unit,
        # Either of two or so postcodes on either side would have done.
        "other_unit_u": f"least(2 * {unit}, 1)",
    }


U_JOINS = """
    JOIN f_client fl ON fl.id = p.c
    LEFT JOIN f_given fg ON fg.given = r.given
    LEFT JOIN f_family ff ON ff.family = r.family
    LEFT JOIN f_family ffl ON ffl.family = l.family
    LEFT JOIN f_cohort fc ON fc.gender = r.gender AND fc.decade = r.birth_year // 10
    LEFT JOIN f_given_cohort fgc ON fgc.given = r.given AND fgc.gender = r.gender AND fgc.decade = r.birth_year // 10"""
