"""Pairs into levels, levels into bits.

The weight of a pair is log2 of how much more likely the agreement seen is if the two are one person than if they are
not, plus the prior. "Not one person" has two explanations, not one: two people who have nothing to do with each other
(u), and two members of one household (h), of whom a register holds few, but who share a name and an address:

    weight = log2( prod m / (prod u + (household / people) * prod h) )
           + log2( in_register / ((1 - in_register) * people) )

Within one comparison levels exclude each other; between comparisons independence is assumed given the explanation, and
frequencies are conditional where it would not hold (`linkage.frequencies`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from linkage.comparison import COMPARISONS, Comparison
from linkage.frequencies import U_JOINS, Frequencies, u_columns
from linkage.model import FLOOR, ComparisonWeights, Model

if TYPE_CHECKING:
    import duckdb


def column(comparison: Comparison) -> str:
    """Name of the level column of `comparison` in `pair_level`."""
    return comparison.name.lower().replace(" ", "_") + "_level"


def levels_sql(left: str, right: str, pairs: str) -> str:
    """SELECT of c, r and every level, for `pairs` (c, r) of rows of `left` and `right`."""
    levels = ",\n".join(f"{each.sql()} AS {column(each)}" for each in COMPARISONS)
    return f"""
        SELECT p.c, p.r, {levels}
        FROM {pairs} p JOIN {left} l ON l.id = p.c JOIN {right} r ON r.id = p.r
        LEFT JOIN nickname n ON n.a = l.given AND n.b = r.given"""


def compare(connection: duckdb.DuckDBPyConnection, frequencies: Frequencies) -> None:
    """Make `pair_level`: c, r, `person` (the NHS number, or minus the row's id - 1), every level, log2 of the u's."""
    u = ",\n".join(f"log2({sql}) AS {name}" for name, sql in u_columns(frequencies).items())
    levels = ",\n".join(f"{each.sql()} AS {column(each)}" for each in COMPARISONS)
    connection.execute(f"""
        CREATE OR REPLACE TABLE pair_level AS
        SELECT p.c, p.r, r.key AS r_key, coalesce(r.nhs, -r.id - 1) AS person, {levels}, {u}
        FROM pair p JOIN clients_record l ON l.id = p.c JOIN register_record r ON r.id = p.r
        LEFT JOIN nickname n ON n.a = l.given AND n.b = r.given {U_JOINS}""")


def bits_sql(weights: ComparisonWeights, kind: str) -> str:
    """Log2 of m, u or h of the level reached, as SQL over `pair_level`; 0 where the comparison says nothing."""
    comparison = next(each for each in COMPARISONS if each.name == weights.comparison)
    values = [math.log2(max(getattr(level, kind), FLOOR)) for level in weights.levels]
    table = f"[{', '.join(repr(round(value, 9)) for value in values)}]"
    reached = column(comparison)
    own = {index: level.frequency for index, level in enumerate(comparison.levels) if level.frequency}
    if kind != "u" or not own:
        return f"coalesce({table}[{reached} + 1], 0)"
    arms = " ".join(f"WHEN {index} THEN {frequency}" for index, frequency in own.items())
    return f"coalesce(CASE {reached} {arms} ELSE {table}[{reached} + 1] END, 0)"


def prior_bits(model: Model, people: int) -> float:
    """Log2 odds that a client is one particular register person, before anything is compared."""
    return math.log2(model.in_register / (1 - model.in_register) / max(people, 1))


def weight_sql(model: Model, people: int, *, without: str | None = None) -> str:
    """The weight of a pair in bits, prior included, as SQL over `pair_level`; `without` leaves one comparison out."""
    used = [each for each in model.comparisons if each.comparison != without]
    m, u, h = (" + ".join(bits_sql(each, kind) for each in used) for kind in "muh")
    relatives = math.log2(max(model.household, FLOOR) / max(people, 1))
    # log2(2^u + 2^(h + relatives)), kept from underflowing.
    other = f"(({u}) + log2(1 + pow(2, least(({h}) + {relatives!r} - ({u}), 500))))"
    return f"(({m}) - {other} + {prior_bits(model, people)!r})"


# Shares of 2^40, so that sums are of integers and come out the same in any order on any number of threads.
_ONE = 2**40


def posterior_sql(pairs: str) -> str:
    """SELECT of c, person, r, weight, probability from `pairs` (c, r, r_key, person, weight).

    Candidates compete with each other and with "not in the register", per person and not per row: somebody registered
    at two practices is one candidate, by her best row.
    """
    return f"""
        WITH best_row AS (
            SELECT * FROM {pairs} QUALIFY row_number() OVER (PARTITION BY c, person ORDER BY weight DESC, r_key) = 1
        ),
        scaled AS (
            SELECT *, greatest(max(weight) OVER (PARTITION BY c), 0) AS top FROM best_row
        ),
        shares AS (
            SELECT *, CAST(round(pow(2, weight - top) * {_ONE}) AS HUGEINT) AS share,
                   CAST(round(pow(2, -top) * {_ONE}) AS HUGEINT) AS nobody FROM scaled
        )
        SELECT c, person, r, r_key, weight,
               CAST(share AS DOUBLE) / CAST(nobody + sum(share) OVER (PARTITION BY c) AS DOUBLE) AS probability
        FROM shares"""
