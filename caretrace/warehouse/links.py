"""What linkage decided laid into the state: what holds now, what held before, and why it ended.

In: `store.link` and `store.candidate` of the clients decided again (`linkage.incremental.update`), and the project's
trace answers. Out: `state.link`, `state.link_past`, `state.candidate`, and `relinked` (id) for whoever comes after.
`state.decided` keeps what linkage said, below what a trace made of it, so that an answer that holds no more leaves
nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.warehouse import changed, retracting, tables, traced
from schemas import CANDIDATE, LINK

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State


@dataclass(frozen=True)
class LinkChanges:
    """What became of clients' links."""

    decided: int
    """Clients of whom linkage decided anew."""
    new: int
    """Clients who had no decision before."""
    linked: int
    """Not linked before, linked now."""
    another: int
    """Linked to another person than before."""
    unlinked: int
    """Linked before, not linked now."""
    other: int
    """As before, but for the evidence, the reason or the method."""
    gone: int
    """Clients whose record is gone."""
    retracted: int
    """Numbers loaded back that prove wrong."""

    def to_json(self) -> dict[str, int]:
        """Plain values."""
        return asdict(self)


def update_links(
    state: State, traces: Path | None = None, *, taken: Callable[[], object] = lambda: None
) -> LinkChanges:
    """Lay what was decided again, and every trace answer that holds, into the state.

    `traces` is the project's folder of traces, found beside the warehouse where it is None. `taken` is called once
    `state.candidate` is what it will be.
    """
    connection = state.connection
    changed.prepare(connection)
    decided = _take_decisions(connection)
    taken()
    traced.load(state, traces or state.folder.parent / "traces")
    connection.execute("""CREATE OR REPLACE TEMP TABLE redecided AS
        SELECT id FROM just_decided UNION SELECT id FROM traced UNION SELECT id FROM state.traced
        UNION SELECT id FROM state.decided ANTI JOIN state.link USING (id)""")
    traced.lay_over(state)
    counts = _replace(state)
    connection.execute("DELETE FROM state.traced; INSERT INTO state.traced SELECT id, verdict FROM traced ORDER BY id")
    return LinkChanges(decided=decided, **counts, retracted=retracting.retract(state))


def _take_decisions(connection: duckdb.DuckDBPyConnection) -> int:
    """Make `just_decided` (id), and keep what linkage said of them; forget who is gone."""
    made = {
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'store' AND schema_name = 'main'"
            " AND table_name IN ('link', 'candidate')"
        ).fetchall()
    }
    source = "SELECT id FROM store.link" if "link" in made else "SELECT 0::BIGINT AS id WHERE false"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE just_decided AS {source}")
    stale = "id IN (SELECT id FROM just_decided) OR id NOT IN (SELECT id FROM state.clients.person)"
    for kept, table, order in (("decided", LINK, "id"), ("candidate", CANDIDATE, "id, rank")):
        connection.execute(f"DELETE FROM state.{kept} WHERE {stale}")
        if tables.name(table) in made:
            connection.execute(
                f"INSERT INTO state.{kept} SELECT id, {tables.columns(table)} FROM store.{tables.name(table)}"
                f" SEMI JOIN just_decided USING (id) WHERE id IN (SELECT id FROM state.clients.person) ORDER BY {order}"
            )
    [(count,)] = connection.execute("SELECT count(*) FROM just_decided").fetchall()
    return int(count)


_SAID = ", ".join(f'{{0}}."{name}"' for name in LINK.names if name != "run_id")
_PERSON = "coalesce({0}.nhs_number, concat_ws('/', {0}.register_source, {0}.register_source_org,"
_PERSON += " {0}.register_record_id))"


def _replace(state: State) -> dict[str, int]:
    """Move what differs to the past, with the reason, and put what holds in its place."""
    connection = state.connection
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE relinking AS
        SELECT coalesce(l.id, n.id) AS id, CASE
            WHEN n.id IS NULL THEN 'gone' WHEN l.id IS NULL THEN 'new'
            WHEN l.decision = 'link' AND n.decision = 'link' AND {_PERSON.format("l")} = {_PERSON.format("n")}
                THEN 'other'
            WHEN l.decision = 'link' AND n.decision = 'link' THEN 'another'
            WHEN n.decision = 'link' THEN 'linked' WHEN l.decision = 'link' THEN 'unlinked' ELSE 'other' END AS what
        FROM (FROM state.link SEMI JOIN (
            SELECT id FROM deciding UNION SELECT id FROM state.link ANTI JOIN state.clients.person USING (id))
            USING (id)) l
        FULL JOIN deciding n ON n.id = l.id
        WHERE n.id IS NULL OR l.id IS NULL OR hash({_SAID.format("l")}) <> hash({_SAID.format("n")})""")
    counts = dict(connection.execute("SELECT what, count(*) FROM relinking GROUP BY 1").fetchall())
    if counts.keys() - {"new"}:
        _end(state)
    connection.execute("DELETE FROM state.link WHERE id IN (SELECT id FROM relinking)")
    connection.execute(f"""INSERT INTO state.link SELECT n.*, {state.run} FROM deciding n
        SEMI JOIN relinking k ON k.id = n.id ORDER BY n.id""")
    connection.execute("CREATE OR REPLACE TEMP TABLE relinked AS SELECT id FROM relinking")
    return {word: int(counts.get(word, 0)) for word in ("new", "linked", "another", "unlinked", "other", "gone")}


def _end(state: State) -> None:
    """Move the links of `relinking` to the past."""
    state.connection.execute(f"""INSERT INTO state.link_past
        SELECT l.*, {state.run}, concat_ws(': ', {_what()}, {_why()})
        FROM relinking k JOIN state.link l USING (id) LEFT JOIN deciding n USING (id)
        LEFT JOIN changed_clients c ON c.id = l.id
        LEFT JOIN traced t ON t.id = l.id LEFT JOIN state.traced s ON s.id = l.id
        LEFT JOIN ruled_out_number x ON x.id = l.id AND x.nhs_number = l.nhs_number
        LEFT JOIN {_register_change("b")} ON {_is_row("b", "l")}
        LEFT JOIN {_register_change("a")} ON {_is_row("a", "n")}
        WHERE l.from_run < {state.run} ORDER BY l.id""")


def _register_change(alias: str) -> str:
    """Register rows that changed, under their keys."""
    key = ", ".join(f"r.{name}" for name in tables.KEY)
    return f"(SELECT {key}, h.how FROM changed_register h JOIN state.record r USING (id)) {alias}"


def _is_row(alias: str, link: str) -> str:
    return " AND ".join(f"{alias}.{name} = {link}.register_{name}" for name in tables.KEY)


def _what() -> str:
    """SQL of what became of the link."""
    words = {
        "linked": "linked now",
        "another": "linked to another person",
        "unlinked": "not linked any more",
    }
    arms = " ".join(f"WHEN '{what}' THEN '{said}'" for what, said in words.items())
    return (
        f"CASE k.what {arms} WHEN 'other' THEN CASE WHEN l.decision = n.decision THEN 'as before, weighed anew'"
        " ELSE concat('now ', n.decision) END END"
    )


def _why() -> str:
    """SQL of the reason, the first that holds."""
    arms = " ".join(f"WHEN {when} THEN '{said}'" for when, said in _reasons())
    return f"CASE {arms} ELSE '{_ELSE}' END"


_ELSE = "other people in the register were weighed beside it"


def _reasons() -> Iterator[tuple[str, str]]:
    trace = traced.METHOD
    yield "k.what = 'gone'", "the client''s record is gone"
    yield f"n.method = '{trace}' AND l.method IS DISTINCT FROM '{trace}'", "the national service confirmed a number"
    yield "t.verdict IS DISTINCT FROM s.verdict AND t.id IS NOT NULL", "the national service answered"
    yield "s.id IS NOT NULL AND t.id IS NULL", "the answer of the national service holds no more"
    yield "x.id IS NOT NULL", "a person decided that they are two people"
    yield "n.decided_at IS NOT NULL AND n.decided_at IS DISTINCT FROM l.decided_at", "a person decided"
    yield "n.decided_at IS NULL AND l.decided_at IS NOT NULL", "a decision was taken back"
    yield "c.how IS NOT NULL", "the client''s record changed"
    yield "b.how = 'gone'", "the register row is gone"
    yield "a.how = 'new'", "a new register row"
    yield "coalesce(a.how, b.how) IS NOT NULL", "the register row changed"
    yield "n.model_id IS DISTINCT FROM l.model_id", "another model"
