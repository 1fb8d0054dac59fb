"""Trying a scheme: candidates are hashed by the million and met with the column's digests, inside the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha512
from typing import TYPE_CHECKING, Any

from governance.crack.candidates import Candidates
from governance.crack.schemes import Scheme
from governance.crack.targets import HEAD, Digest

if TYPE_CHECKING:
    import duckdb

CHUNK = 4_000_000
_WANTED = 100
"""Values that the first look at a scheme would recover, were it the right one for all: chance never hides it then."""


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the database the one usual hash it has not."""

    import pyarrow as pa
    from duckdb import func

    def hashed(texts: Any) -> Any:  # DuckDB evaluates annotations where pyarrow's names are not known
        return pa.array([sha512(text.encode()).hexdigest() for text in texts.to_pylist()], pa.string())

    connection.create_function("sha512", hashed, ["VARCHAR"], "VARCHAR", type=func.ARROW)


@dataclass(frozen=True)
class Probe:
    """A scheme held against those digests that it could have made, compared by `digits` hex digits."""

    words: str
    expression: str
    digits: int
    keys: tuple[tuple[str, int], ...] = field(repr=False)


def probes(scheme: Scheme, digests: Sequence[Digest], *, tails: bool = False, cut: bool = True) -> Iterator[Probe]:
    """The whole hash first, then cut ones by the digits left; `tails` asks for what is left of a hash's end."""
    whole = tuple((each.text[:HEAD], each.value) for each in digests if len(each.text) == scheme.length)
    if whole and not tails:
        yield Probe(scheme.words, f"left({scheme.expression}, {HEAD})", HEAD, whole)
    shorter: dict[int, list[tuple[str, int]]] = {}
    for each in digests:
        if cut and len(each.text) < scheme.length:
            size = min(len(each.text), HEAD)
            shorter.setdefault(size, []).append((each.text[-size:] if tails else each.text[:size], each.value))
    side, words = ("right", "its end") if tails else ("left", "its beginning")
    for size, keys in shorter.items():
        expression = f"{side}({scheme.expression}, {size})"
        yield Probe(f"{scheme.words}, cut to {words}", expression, size, tuple(keys))


@dataclass(frozen=True)
class Outcome:
    """How many values a probe recovered, and whether it went as far as was needed to say so."""

    recovered: int
    finished: bool
    cut_short: bool = False
    """It broke the column and time was up before every candidate was tried."""


def search(
    connection: duckdb.DuckDBPyConnection,
    probe: Probe,
    candidates: Candidates,
    *,
    in_time: Callable[[], bool],
    advance: Callable[[int], None],
) -> Outcome:
    """Look at a part of the candidates, and at all of them where that part recovers more than chance does."""
    import pyarrow as pa

    table = pa.table({"key": [key for key, _ in probe.keys], "value": [value for _, value in probe.keys]})
    connection.register("digest", table)
    wanted = len({value for _, value in probe.keys})
    look = min(candidates.count, -(-candidates.count * _WANTED // wanted))
    step = max(1, CHUNK // candidates.salts)
    found: dict[int, set[int]] = {}
    at = 0
    while at < look:
        end = min(at + step, look)
        for salt, value in _meet(connection, probe, candidates.sql(at, end)):
            found.setdefault(salt, set()).add(value)
        advance(end - at)
        at = end
        if not in_time():
            break
    salt, values = max(found.items(), key=lambda each: len(each[1]), default=(0, set()))
    if len(values) <= _by_chance(probe, at, candidates.salts):
        return Outcome(0, at == look)
    # One salt has shown itself, so the rest of the walk is for that one.
    while at < candidates.count and in_time():
        end = min(at + CHUNK, candidates.count)
        values.update(value for _, value in _meet(connection, probe, candidates.sql(at, end), salt))
        advance(end - at)
        at = end
    return Outcome(len(values), True, at < candidates.count)


def _meet(
    connection: duckdb.DuckDBPyConnection, probe: Probe, candidates: str, salt: int | None = None
) -> list[tuple[int, int]]:
    one = "" if salt is None else f"WHERE salt = {salt}"
    return connection.execute(f"""
        SELECT DISTINCT made.salt, digest.value
        FROM (SELECT salt, {probe.expression} AS key FROM ({candidates}) {one}) AS made
        JOIN digest ON digest.key = made.key""").fetchall()


def _by_chance(probe: Probe, tried: int, salts: int) -> float:
    """The most that chance recovers with the luckiest of the salts, with room to spare."""
    expected = len(probe.keys) * tried / 16**probe.digits
    return 0 if expected * salts < 0.001 else 3 + 5 * expected
