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
from collections.abc import Iterable, Sequence
from typing import Literal

from linkage.comparison import Comparison, Role
from linkage.frequencies import U_JOINS, Frequencies, u_columns
from linkage.literal import double
from linkage.model import FLOOR, ComparisonWeights, Model, shares_among


def levels_sql(comparisons: Iterable[Comparison], left: str, right: str, pairs: str) -> str:
    """SELECT of c, r and every level, for `pairs` (c, r) of rows of `left` and `right`."""
    levels = ",\n".join(f"{each.sql()} AS {each.column}" for each in comparisons)
    return f"""
        SELECT p.c, p.r, {levels}
        FROM {pairs} p JOIN {left} l ON l.id = p.c JOIN {right} r ON r.id = p.r
        LEFT JOIN nickname n ON n.a = l.given AND n.b = r.given"""


def pair_level_sql(
    comparisons: Iterable[Comparison], frequencies: Frequencies, pairs: str, sources: Sequence[str] = ()
) -> str:
    """SELECT of table `pair_level` for `pairs` (c, r, first).

    Columns: c, r, first, `r_key`, `person` (the register person: the NHS number, or minus the row's id - 1), every
    level, and log2 of every u that is a frequency. With `sources`, client systems that have error rates of their own
    (linkage.model.Model.sources), also `client_system`: the client's place among them from 1, or 0.
    """
    u = ",\n".join(f"log2({sql}) AS {name}" for name, sql in u_columns(frequencies).items())
    levels = ",\n".join(f"{each.sql()} AS {each.column}" for each in comparisons)
    if sources:
        levels += f", {_client_system_sql(sources)} AS client_system"
    return f"""
        SELECT p.c, p.r, p.first, r.key AS r_key, coalesce(r.nhs, -r.id - 1) AS person, {levels}, {u}
        FROM {pairs} p JOIN clients_record l ON l.id = p.c JOIN register_record r ON r.id = p.r
        LEFT JOIN nickname n ON n.a = l.given AND n.b = r.given {U_JOINS}"""


def _client_system_sql(sources: Sequence[str]) -> str:
    arms = " ".join(
        "WHEN '{}' THEN {}".format(source.replace("'", "''"), place) for place, source in enumerate(sources, 1)
    )
    return f"CAST(CASE l.source {arms} ELSE 0 END AS UTINYINT)"


def bits_sql(weights: Sequence[ComparisonWeights], kind: Literal["m", "u", "h"]) -> str:
    """Log2 of m, u or h of the level reached, as SQL over `pair_level`; 0 where the comparison says nothing.

    `weights` are those of one comparison by client system (linkage.model.Model.by_system).
    """
    comparison = weights[0].comparison
    by_system = [[round(math.log2(max(getattr(x, kind), FLOOR)), 9) for x in each.levels] for each in weights]
    values = by_system[0]
    reached = comparison.column
    if any(each != values for each in by_system):
        table = f"[{', '.join(double(value) for each in by_system for value in each)}]"
        place = f"client_system * {len(values)} + {reached} + 1"
    else:
        table, place = f"[{', '.join(map(double, values))}]", f"{reached} + 1"
    named = {index: level.frequency or level.at_least for index, level in enumerate(comparison.levels)}
    if kind != "u" or not any(named.values()):
        return f"coalesce({table}[{place}], 0)"
    shares = [[round(math.log2(share), 9) for share in shares_among(each)] for each in weights]
    own = {}
    for index, name in named.items():
        if name is None:
            continue
        of_kind = [each[index] for each in shares]
        if any(of_kind):
            told_apart = any(each != of_kind[0] for each in of_kind)
            by = f"[{', '.join(map(double, of_kind))}][client_system + 1]" if told_apart else double(of_kind[0])
            name = f"({name} + {by})"
        own[index] = name if comparison.levels[index].frequency else f"greatest({double(values[index])}, {name})"
    arms = " ".join(f"WHEN {index} THEN {frequency}" for index, frequency in own.items())
    return f"coalesce(CASE {reached} {arms} ELSE {table}[{place}] END, 0)"


def evidence_sql(weights: Sequence[ComparisonWeights]) -> str:
    """What one comparison adds in bits, log2(m / u), as SQL over `pair_level`; `weights` as `bits_sql` takes them."""
    return f"({bits_sql(weights, 'm')} - {bits_sql(weights, 'u')})"


def prior_bits(model: Model, people: int) -> float:
    """Log2 odds that a client is one particular register person, before anything is compared."""
    return math.log2(model.in_register / (1 - model.in_register) / max(people, 1))


def household_bits_sql(model: Model, people: int, *, without: Role | None = None) -> str:
    """What the household explanation takes from the weight, as SQL over `pair_level`; never above 0."""
    used = _used(model, without)
    u, h = (" + ".join(bits_sql(each, kind) for each in used) for kind in _UH)
    relatives = math.log2(max(model.household, FLOOR) / max(people, 1))
    # -log2(1 + 2^(h + relatives - u)), kept from overflowing.
    return f"(-log2(1 + pow(2, least(({h}) + {double(relatives)} - ({u}), 500))))"


def weight_sql(model: Model, people: int, *, without: Role | None = None) -> str:
    """The weight of a pair in bits, prior included, as SQL over `pair_level`; `without` leaves a role out."""
    evidence = " + ".join(evidence_sql(each) for each in _used(model, without))
    return f"({evidence} + {household_bits_sql(model, people, without=without)} + {double(prior_bits(model, people))})"


_UH: tuple[Literal["u"], Literal["h"]] = ("u", "h")


def _used(model: Model, without: Role | None) -> list[tuple[ComparisonWeights, ...]]:
    used = (each.comparison for each in model.comparisons if without is None or each.comparison.role != without)
    return [model.by_system(each.name) for each in used]


# Shares of 2^40, so that sums are of integers and come out the same in any order on any number of threads.
ONE = 2**40


def posterior_sql(pairs: str) -> str:
    """SELECT of every column of `pairs` (c, r, r_key, person, weight, ...) and `probability`, by client and person.

    Candidates compete with each other and with "not in the register", per person and not per row: somebody registered
    at two practices is one candidate, by her best row.
    """
    return f"""
        WITH best_row AS (
            FROM {pairs} QUALIFY row_number() OVER (PARTITION BY c, person ORDER BY weight DESC, r_key) = 1
        )
        {_shares_sql("best_row", "{}({}) OVER (PARTITION BY c)")}"""


def posterior_alone_sql(pairs: str) -> str:
    """The same where every client has one pair, as most have: reckoned without sorting."""
    return _shares_sql(pairs, "({1})")


def _shares_sql(rows: str, of_client: str) -> str:
    """SELECT of `rows` with the probability; `of_client` is an aggregate of an expression over a client's rows."""
    return f"""
        SELECT * EXCLUDE (top, share, nobody),
               CAST(share AS DOUBLE) / CAST(nobody + {of_client.format("sum", "share")} AS DOUBLE) AS probability
        FROM (
            SELECT *, CAST(round(pow(2, weight - top) * {ONE}) AS HUGEINT) AS share,
                   CAST(round(pow(2, -top) * {ONE}) AS HUGEINT) AS nobody
            FROM (SELECT *, greatest({of_client.format("max", "weight")}, 0) AS top FROM {rows}))"""
