"""Which pairs of a run people are asked about: what is waiting for review, a sample for evaluation, or a third look.

In: a finished run folder. Out: `Pair` facts, one for each client record and candidate, and the records themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.review.decisions import Decision, History, Key, Pair
from caretrace.review.plain import Record
from governance import at_rest
from linkage.evaluate import allocate
from linkage.review import DISAGREED, Answer
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

MOST_CANDIDATES = 3
"""Of one client; more than three side by side are not read."""
WORTH_SHOWING = 0.01
"""Candidates after the best are shown from this probability on: below it they cost time and settle nothing."""

_KEY = "source, source_org, record_id"


@dataclass(frozen=True)
class Asked:
    """One client record and one candidate that a reader is asked about; the model's view of it stays with us."""

    client: Key
    register: Key
    nhs_number: str | None
    rank: int
    decision: str
    """What the run decided for the client."""
    probability: float
    method: str
    sample: Mapping[str, Any] | None = field(default=None, hash=False)
    """Where it was drawn for evaluation: see `Made.sample`."""

    @property
    def pair(self) -> Pair:
        """What it is about, as decisions know it."""
        return Pair(self.client, self.nhs_number or self.register)


@dataclass(frozen=True)
class Stratum:
    """A part of all clients that the sample is drawn from, by decision and by the probability of the best candidate."""

    decision: str
    low: float
    high: float
    """Not included, but for 1."""

    @property
    def name(self) -> str:
        """As it stands in the decisions."""
        return f"{self.decision}, {self.low:g} to {self.high:g}"

    def sql(self) -> str:
        """A condition over `best`."""
        below = "" if self.high == 1 else f" AND probability < {self.high!r}"
        return f"decision = '{self.decision}' AND probability >= {self.low!r}{below}"


STRATA: tuple[Stratum, ...] = (
    *(Stratum("link", *band) for band in ((0.9999, 1.0), (0.999, 0.9999), (0.99, 0.999), (0.0, 0.99))),
    *(Stratum("review", *band) for band in ((0.5, 1.0), (0.0, 0.5))),
    # Without those below the threshold nothing can be said of what was missed.
    *(Stratum("none", *band) for band in ((0.01, 1.0), (0.0, 0.01))),
)
_LEAST_FROM_STRATUM = 10
_LEAST_SPREAD = 0.1
"""A stratum counts as holding one wrong in a hundred at least: the model's own word is what is being checked."""


@dataclass(frozen=True)
class Chosen:
    """The pairs of one export, and what was left out on the way."""

    pairs: tuple[Asked, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    """Plain JSON: the kind of export, its sizes, and for a sample its strata with size and drawn."""


@contextmanager
def opened(run: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of a run that review reads, as views: link, candidate, person, address, name."""
    import duckdb

    files = {"link": run / "links.parquet", "candidate": run / "candidates.parquet"}
    files |= {table: run / "linked" / f"{table}.parquet" for table in ("person", "address", "name")}
    if missing := [path.name for path in files.values() if not path.is_file()]:
        raise InputError(f"holds no {', '.join(missing)}; link again with this version to review the run", path=run)
    closed = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    with duckdb.connect(config={**closed, **at_rest.spilling(run)}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for name, path in files.items():
            quoted = str(at_rest.readable(path)).replace("'", "''")
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{quoted}')")
        yield connection


def waiting(
    connection: duckdb.DuckDBPyConnection, history: History, *, seed: int, limit: int | None, again: bool
) -> Chosen:
    """What the run sends to review and nobody has decided yet; with `limit`, that many clients drawn by the seed.

    A client is left out too where it is known already which of its candidates it is. `again` asks about all.
    """
    found = _pairs(connection, "l.decision = 'review'", seed)
    standing: Mapping[Pair, Decision] = {} if again else history.standing
    settled = {each.client for each in found if _says(standing.get(each.pair), Answer.SAME)}
    open_pairs = [each for each in found if each.pair not in standing and each.client not in settled]
    clients = list(dict.fromkeys(each.client for each in open_pairs))
    kept = set(clients[:limit])
    return Chosen(
        tuple(each for each in open_pairs if each.client in kept),
        {
            "kind": "review",
            "clients": len(kept),
            "decided_before": len({each.client for each in found} - set(clients)),
            "beyond_limit": len(clients) - len(kept),
        },
    )


def third_look(connection: duckdb.DuckDBPyConnection, history: History, *, seed: int) -> Chosen:
    """The pairs that readers disagree on and nobody has settled, as far as this run still holds both records."""
    disputed = {pair: each for pair, each in history.standing.items() if _says(each, DISAGREED)}
    found = [each for each in _pairs(connection, "true", seed, every=True) if each.pair in disputed]
    asked = tuple(
        # What a sample drew stays in it, whoever settles it.
        replace(each, sample=disputed[each.pair].made.sample)
        for each in found
    )
    clients = len({each.client for each in asked})
    return Chosen(asked, {"kind": "third look", "clients": clients, "not_in_run": len(disputed) - len(asked)})


def sample(connection: duckdb.DuckDBPyConnection, size: int, *, seed: int, run_id: str) -> Chosen:
    """Draw `size` clients by strata for evaluation, links and those below the threshold among them.

    Clients whom a person or a trace decided are no work of the model and not drawn from; nor are clients without a
    candidate, who cannot be shown beside anybody. Within a stratum the draw is by hash, so it depends on nothing but
    the seed.
    """
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE best AS
        SELECT {_KEY}, l.decision, c.probability FROM link l JOIN candidate c USING ({_KEY})
        WHERE c.rank = 1 AND coalesce(l.method NOT IN ('review', 'trace'), true)""")
    counts = [
        connection.execute(
            "SELECT count(*), coalesce(sum(CAST(round(probability * 1e9) AS HUGEINT)), 0) FROM best WHERE " + each.sql()
        ).fetchall()[0]
        for each in STRATA
    ]
    sizes = [int(count) for count, _ in counts]
    means = [int(total) / 1e9 / count if count else 0.0 for count, total in counts]
    spreads = [max((mean * (1 - mean)) ** 0.5, _LEAST_SPREAD) for mean in means]
    drawn = allocate(sizes, spreads, min(size, sum(sizes)), least=_LEAST_FROM_STRATUM)
    sample_id = sha256(f"{run_id} {seed} {size}".encode()).hexdigest()[:16]
    pairs: list[Asked] = []
    for stratum, whole, part in zip(STRATA, sizes, drawn, strict=True):
        connection.execute(f"""CREATE OR REPLACE TEMP TABLE drawn AS
            SELECT {_KEY} FROM best WHERE {stratum.sql()} ORDER BY {_by_hash(seed)} LIMIT {part}""")
        place = {"sample_id": sample_id, "run_id": run_id, "stratum": stratum.name, "size": whole, "drawn": part}
        for each in _pairs(connection, f"({_KEY}) IN (SELECT ({_KEY}) FROM drawn)", seed):
            view = {"decision": each.decision, "rank": each.rank, "probability": each.probability}
            pairs.append(replace(each, sample={**place, **view}))
    ((unseen,),) = connection.execute(f"SELECT count(*) FROM link ANTI JOIN candidate USING ({_KEY})").fetchall()
    ((by_person,),) = connection.execute("SELECT count(*) FROM link WHERE method IN ('review', 'trace')").fetchall()
    strata = [
        {"name": each.name, "size": whole, "drawn": part}
        for each, whole, part in zip(STRATA, sizes, drawn, strict=True)
        if whole
    ]
    facts = {"kind": "sample", "sample_id": sample_id, "clients": sum(drawn), "strata": strata}
    return Chosen(tuple(pairs), {**facts, "without_candidate": unseen, "decided_by_people": by_person})


def records(connection: duckdb.DuckDBPyConnection, pairs: Sequence[Asked]) -> dict[tuple[str, Key], Record]:
    """Every record that `pairs` name, by side ('client' or 'register') and key."""
    import pyarrow as pa

    keys = {("client", each.client) for each in pairs} | {("register", each.register) for each in pairs}
    rows = [{"side": side, **key._asdict()} for side, key in sorted(keys)]
    columns = ("side", *Key._fields)
    connection.register(
        "named", pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in columns]))
    )
    found: dict[str, dict[tuple[str, Key], list[dict[str, Any]]]] = {}
    for table in ("person", "address", "name"):
        by_key = found[table] = {}
        # The newest first; the whole row breaks ties, so that the sheet is the same each time.
        newest = "" if table == "person" else "from_date AS newest, "
        rows_of = connection.sql(f"""
            SELECT {newest}* EXCLUDE (person_key) FROM {table} SEMI JOIN named USING (side, {_KEY})
            ORDER BY ALL DESC NULLS LAST""").to_arrow_table()
        for row in rows_of.to_pylist():
            by_key.setdefault((row["side"], Key(*(row[name] for name in Key._fields))), []).append(row)
    connection.unregister("named")
    return {
        key: Record(person, found["address"].get(key, ()), found["name"].get(key, ()))
        for key, (person, *_) in found["person"].items()
    }


def _pairs(connection: duckdb.DuckDBPyConnection, condition: str, seed: int, *, every: bool = False) -> list[Asked]:
    """The candidates to show of the clients that `condition` (over link l) names, clients in the seed's order."""
    shown = "true" if every else f"c.rank = 1 OR (c.rank <= {MOST_CANDIDATES} AND c.probability >= {WORTH_SHOWING})"
    rows = connection.execute(f"""
        SELECT {_KEY}, c.register_source, c.register_source_org, c.register_record_id, c.nhs_number, c.rank,
               l.decision, c.probability, c.method
        FROM link l JOIN candidate c USING ({_KEY}) WHERE ({condition}) AND ({shown})
        ORDER BY {_by_hash(seed)}, {_KEY}, c.rank""").fetchall()
    return [Asked(Key(*row[:3]), Key(*row[3:6]), *row[6:]) for row in rows]


def _by_hash(seed: int) -> str:
    return f"sha256(concat_ws(chr(31), '{seed}', {_KEY}))"


def _says(decision: Decision | None, verdict: str) -> bool:
    return decision is not None and decision.made.verdict == verdict
