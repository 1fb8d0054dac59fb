"""Which pairs are worth comparing: several rules, each pair made once, counted before it is made.

A pair that no rule makes can never be linked, so the rules are wide and fail on different records: each leaves out at
least one thing that another needs. All are equalities of a key, so the work grows with the lists and not with their
product. How many register rows a key may have does not depend on how many clients are looked for, so one client alone
meets the same candidates as among a million.
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

    usual: str | None
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
    first: bool = False
    """Tried before the others; a client they settle is not looked for any further (`linkage.rank.settled_sql`)."""
    max_register_rows: int = 500
    """Keys that more register rows share are left out, and counted. They cost much and find little (a hostel's
    postcode, a dummy date nobody listed): their true pairs are made by other rules too [assumed]."""

    @property
    def register_parts(self) -> tuple[str | AnyOf, ...]:
        """The key's parts on the register's side."""
        return self.register or self.client


_PLACE, _FAMILY = AnyOf("place", "other_units"), AnyOf("family", "other_families")
_DATE = ("birth_year", "birth_month", "birth_day")

RULES: tuple[BlockingRule, ...] = (
    BlockingRule("NHS number", ("nhs",), first=True),
    BlockingRule("superseded NHS number", (AnyOf("nhs", "former_nhs"),), first=True),
    BlockingRule("other identifier", (AnyOf(None, "ids"),), first=True, max_register_rows=12),
    BlockingRule("birth date, sound of family name", (*_DATE, "family_sound"), first=True),
    BlockingRule("birth date, given name", (*_DATE, "given_root"), first=True),
    BlockingRule("birth date, names swapped", (*_DATE, "given"), (*_DATE, "family")),
    BlockingRule(
        "day and month swapped, given name",
        ("birth_year", "birth_day", "birth_month", "given_root"),
        ("birth_year", "birth_month", "birth_day", "given_root"),
    ),
    BlockingRule("any address, sound of given name", (_PLACE, "given_sound")),
    BlockingRule("any address, year of birth", (_PLACE, "birth_year")),
    BlockingRule(
        "any family name, given name, year of birth",
        (_FAMILY, "given_root", "birth_year"),
    ),
    BlockingRule("sound of names, year and month", ("family_sound", "given_sound", "birth_year", "birth_month")),
    BlockingRule("names, district", ("family", "given_root", "district")),
    BlockingRule("any address, sound of family name", (_PLACE, "family_sound")),
    BlockingRule("same house", ("place", "house"), max_register_rows=12),
    BlockingRule("birth date, district", (*_DATE, "district")),
    BlockingRule("sound of names, district", ("family_sound", "given_sound", "district"), max_register_rows=50),
    BlockingRule("names, day and month of birth", ("family", "given_root", "birth_month", "birth_day")),
    BlockingRule("rare names", ("family", "given_root"), max_register_rows=12),
    BlockingRule("rare family name", ("family",), max_register_rows=12),
    BlockingRule("rare birth date", _DATE, max_register_rows=12),
)


@dataclass(frozen=True)
class RuleFacts:
    """What one rule found: the `pairs` it would make alone, and the keys it left out as too large."""

    name: str
    pairs: int
    oversized_keys: int
    oversized_pairs: int


def make_keys(
    connection: duckdb.DuckDBPyConnection,
    *,
    rules: tuple[BlockingRule, ...] = RULES,
    clients: str = "clients_record",
    progress: Progress = SILENT,
) -> tuple[RuleFacts, ...]:
    """Make `client_key` and `register_key` (key, id, first, rule): what pairs are made of, counted before any is made.

    A key is a hash of the rule's place and its parts. Of the register only keys of `clients` are kept, a relation of
    the shape of `clients_record`, and none that is too large.
    """
    kept = ["SELECT key, id, {} AS first, CAST({} AS UTINYINT) AS rule FROM ({})"] * len(rules)
    client_keys = " UNION ALL ".join(
        each.format(rule.first, place, keys_sql(clients, place, rule.client))
        for each, (place, rule) in zip(kept, enumerate(rules), strict=True)
    )
    connection.execute(f"CREATE OR REPLACE TABLE client_key AS {client_keys}")
    connection.execute("CREATE OR REPLACE TABLE register_key AS FROM client_key LIMIT 0")
    with progress.stage("Looking for candidates", len(rules)) as advance:
        for place, rule in enumerate(rules):
            connection.execute(f"""
                INSERT INTO register_key SELECT key, id, {rule.first}, {place}
                FROM ({keys_sql("register_record", place, rule.register_parts)})
                SEMI JOIN (SELECT key FROM client_key WHERE rule = {place}) USING (key)""")
            advance(1)
    return drop_large(connection, rules)


def drop_large(connection: duckdb.DuckDBPyConnection, rules: tuple[BlockingRule, ...]) -> tuple[RuleFacts, ...]:
    """Take the keys of `register_key` that are too large out of it, and say what each rule then finds."""
    most = f"{[rule.max_register_rows for rule in rules]}[rule + 1]"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE key_size AS
        SELECT key, count(*) AS rows, count(*) > {most} AS large FROM register_key GROUP BY key, rule""")
    counted = connection.execute("""
        SELECT rule, coalesce(sum(rows) FILTER (NOT large), 0)::BIGINT, count(DISTINCT key) FILTER (large),
               coalesce(sum(rows) FILTER (large), 0)::BIGINT
        FROM client_key JOIN key_size USING (key) GROUP BY rule""").fetchall()
    if any(keys for _, _, keys, _ in counted):
        connection.execute("DELETE FROM register_key WHERE key IN (SELECT key FROM key_size WHERE large)")
    connection.execute("DROP TABLE key_size")
    by_rule = {rule: found for rule, *found in counted}
    return tuple(RuleFacts(rule.name, *by_rule.get(place, (0, 0, 0))) for place, rule in enumerate(rules))


def keys_sql(record: str, place: int, parts: tuple[str | AnyOf, ...]) -> str:
    """SELECT of key, id from the table `record` for the rule at `place`; a record may have a key several times."""
    plain = [part for part in parts if isinstance(part, str)]
    present = [f"{part} IS NOT NULL" for part in plain]
    several = [part for part in parts if isinstance(part, AnyOf)]
    if not several:
        return f"SELECT hash({place}, {', '.join(plain)}) AS key, id FROM {record} WHERE {' AND '.join(present)}"
    (one,) = several
    usual = ""
    if one.usual:
        usual = f"""
        SELECT hash({", ".join([str(place), one.usual, *plain])}) AS key, id FROM {record}
        WHERE {" AND ".join([f"{one.usual} IS NOT NULL", *present])}
        UNION ALL"""
    return f"""{usual}
        SELECT hash({", ".join([str(place), "other", *plain])}) AS key, id
        FROM (SELECT *, unnest({one.others}) AS other FROM {record} WHERE {one.others} IS NOT NULL)
        WHERE {" AND ".join(["other IS NOT NULL", *present])}"""


def pairs_sql(client_key: str = "client_key", register_key: str = "register_key") -> str:
    """SELECT of c, r, first: every pair of records that share a key, once; `first` where a first rule makes it."""
    return f"""
        SELECT c.id AS c, r.id AS r, bool_or(c.first) AS first
        FROM {client_key} c JOIN {register_key} r USING (key) GROUP BY ALL"""
