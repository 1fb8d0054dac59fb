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
class BlockingRule:
    """A rule is an equality of keys, each a list of SQL expressions over `<side>_record`.

    A key with any null part makes no pair. A part that is a list makes one key for each of its entries.
    `register` differs from `client` where the two sides are looked at crosswise, as for swapped names.
    """

    name: str
    client: tuple[str, ...]
    register: tuple[str, ...] | None = None
    exploded: str | None = None
    """The part that is a list."""
    max_pairs_per_key: int = 100_000
    """Keys that would make more pairs are left out, and counted. Many records share them (a hostel's postcode, a dummy
    date nobody listed), so they cost much and find little: their true pairs are made by other rules too [assumed]."""


_ALL_UNITS = "list_concat([unit], coalesce(other_units, []))"
_ALL_FAMILIES = "list_concat([family], coalesce(other_families, []))"
_DATE = ("birth_year", "birth_month", "birth_day")

RULES: tuple[BlockingRule, ...] = (
    BlockingRule("NHS number", ("nhs",)),
    BlockingRule("birth date, sound of family name", (*_DATE, "family_sound")),
    BlockingRule("birth date, given name", (*_DATE, "given_root")),
    BlockingRule("birth date, district", (*_DATE, "district")),
    BlockingRule("birth date, names swapped", (*_DATE, "given"), (*_DATE, "family")),
    BlockingRule(
        "day and month swapped, given name",
        ("birth_year", "birth_day", "birth_month", "given_root"),
        ("birth_year", "birth_month", "birth_day", "given_root"),
    ),
    BlockingRule("any postcode, given name", (_ALL_UNITS, "given_root"), exploded=_ALL_UNITS),
    BlockingRule("any postcode, year of birth", (_ALL_UNITS, "birth_year"), exploded=_ALL_UNITS),
    BlockingRule(
        "any family name, given name, year of birth",
        (_ALL_FAMILIES, "given_root", "birth_year"),
        exploded=_ALL_FAMILIES,
    ),
    BlockingRule("sound of names, year and month", ("family_sound", "given_sound", "birth_year", "birth_month")),
    BlockingRule("names, district", ("family", "given_root", "district")),
    BlockingRule("any postcode, family name", (_ALL_UNITS, "family"), exploded=_ALL_UNITS),
    BlockingRule("names, day and month of birth", ("family", "given_root", "birth_month", "birth_day")),
    BlockingRule("rare names", ("family", "given_root"), max_pairs_per_key=40),
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
    connection.execute(f"CREATE OR REPLACE TEMP TABLE client_key AS {_keys('clients', rule, rule.client)}")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE register_key AS
        SELECT * FROM ({_keys("register", rule, rule.register or rule.client)})
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


def _keys(side: str, rule: BlockingRule, parts: tuple[str, ...]) -> str:
    scalars = [part for part in parts if part != rule.exploded]
    present = " AND ".join([*(f"{part} IS NOT NULL" for part in scalars), "true"])
    if rule.exploded is None:
        return f"SELECT id, hash({', '.join(scalars)}) AS key FROM {side}_record WHERE {present}"
    # A record may reach a key by two of its values; one is enough.
    return (
        f"SELECT DISTINCT id, hash(part, {', '.join(scalars)}) AS key FROM ("
        f"SELECT *, unnest({rule.exploded}) AS part FROM {side}_record) WHERE part IS NOT NULL AND {present}"
    )
