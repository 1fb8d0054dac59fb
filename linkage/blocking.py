"""Which pairs are worth comparing: several rules, each pair made once, counted before it is made.

A pair that no rule makes can never be linked, so the rules are wide and fail on different records: each leaves out at
least one thing that another needs. All are equalities of a key, so the work grows with the lists and not with their
product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class AnyOf:
    """A part of a key of which a record may have several: a usual value and a list of others."""

    usual: str
    others: str


@dataclass(frozen=True)
class BlockingRule:
    """A rule is an equality of keys, each a list of SQL expressions over `<side>_record`.

    A key with any null part makes no pair. `register` differs from `client` where the two sides are looked at
    crosswise, as for swapped names.
    """

    name: str
    client: tuple[str | AnyOf, ...]
    register: tuple[str | AnyOf, ...] | None = None
    max_pairs_per_key: int = 100_000
    """Keys that would make more pairs are left out, and counted. Many records share them (a hostel's postcode, a dummy
    date nobody listed), so they cost much and find little: their true pairs are made by other rules too [assumed]."""


_UNIT, _FAMILY = AnyOf("unit", "other_units"), AnyOf("family", "other_families")
_DATE = ("birth_year", "birth_month", "birth_day")

RULES: tuple[BlockingRule, ...] = (
    BlockingRule("NHS number", ("nhs",)),
    BlockingRule("birth date, sound of family name", (*_DATE, "family_sound")),
    BlockingRule("birth date, given name", (*_DATE, "given_root")),
    BlockingRule("birth date, names swapped", (*_DATE, "given"), (*_DATE, "family")),
    BlockingRule(
        "day and month swapped, given name",
        ("birth_year", "birth_day", "birth_month", "given_root"),
        ("birth_year", "birth_month", "birth_day", "given_root"),
    ),
    BlockingRule("any postcode, given name", (_UNIT, "given_root")),
    BlockingRule("any postcode, year of birth", (_UNIT, "birth_year")),
    BlockingRule(
        "any family name, given name, year of birth",
        (_FAMILY, "given_root", "birth_year"),
    ),
    BlockingRule("sound of names, year and month", ("family_sound", "given_sound", "birth_year", "birth_month")),
    BlockingRule("names, district", ("family", "given_root", "district")),
    BlockingRule("any postcode, family name", (_UNIT, "family")),
    BlockingRule("names, day and month of birth", ("family", "given_root", "birth_month", "birth_day")),
    BlockingRule("rare names", ("family", "given_root"), max_pairs_per_key=12),
)


@dataclass(frozen=True)
class RuleFacts:
    """What one rule did: `pairs` it made (also made by others), and the keys it left out as too large."""

    name: str
    pairs: int
    oversized_keys: int
    oversized_pairs: int


def block(
    connection: duckdb.DuckDBPyConnection,
    *,
    rules: tuple[BlockingRule, ...] = RULES,
    progress: Progress = SILENT,
) -> tuple[RuleFacts, ...]:
    """Make table `pair` (c, r: ids of `clients_record` and `register_record`), each pair once."""
    facts = []
    connection.execute("CREATE OR REPLACE TABLE pair_made (c BIGINT, r BIGINT)")
    with progress.stage("Making candidate pairs", len(rules)) as advance:
        for rule in rules:
            facts.append(_apply(connection, rule))
            advance(1)
    connection.execute("CREATE OR REPLACE TABLE pair AS SELECT DISTINCT c, r FROM pair_made")
    connection.execute("DROP TABLE pair_made")
    return tuple(facts)


def _apply(connection: duckdb.DuckDBPyConnection, rule: BlockingRule) -> RuleFacts:
    limit = rule.max_pairs_per_key
    connection.execute(f"CREATE OR REPLACE TEMP TABLE client_key AS {_keys('clients', rule.client)}")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE register_key AS
        SELECT * FROM ({_keys("register", rule.register or rule.client)})
        SEMI JOIN client_key USING (key)""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE key_size AS
        SELECT key, c.n * r.n AS pairs
        FROM (SELECT key, count(*) AS n FROM client_key GROUP BY key) c
        JOIN (SELECT key, count(*) AS n FROM register_key GROUP BY key) r USING (key)""")
    ((pairs, oversized_keys, oversized_pairs),) = connection.execute(f"""
        SELECT coalesce(sum(pairs) FILTER (pairs <= {limit}), 0)::BIGINT, count(*) FILTER (pairs > {limit}),
               coalesce(sum(pairs) FILTER (pairs > {limit}), 0)::BIGINT FROM key_size""").fetchall()
    left_out = f"ANTI JOIN (SELECT key FROM key_size WHERE pairs > {limit}) USING (key)" if oversized_keys else ""
    connection.execute(f"""
        INSERT INTO pair_made SELECT c.id, r.id
        FROM (SELECT * FROM client_key {left_out}) c JOIN register_key r USING (key)""")
    return RuleFacts(rule.name, pairs, oversized_keys, oversized_pairs)


def _keys(side: str, parts: tuple[str | AnyOf, ...]) -> str:
    plain = [part for part in parts if isinstance(part, str)]
    present = [f"{part} IS NOT NULL" for part in plain]
    several = [part for part in parts if isinstance(part, AnyOf)]
    if not several:
        return f"SELECT id, hash({', '.join(plain)}) AS key FROM {side}_record WHERE {' AND '.join(present)}"
    (one,) = several
    return f"""
        SELECT id, hash({", ".join([one.usual, *plain])}) AS key FROM {side}_record
        WHERE {" AND ".join([f"{one.usual} IS NOT NULL", *present])}
        UNION ALL
        SELECT id, hash({", ".join(["other", *plain])}) AS key
        FROM (SELECT *, unnest({one.others}) AS other FROM {side}_record WHERE {one.others} IS NOT NULL)
        WHERE {" AND ".join(["other IS NOT NULL", *present])}"""
