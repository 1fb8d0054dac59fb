"""Data-quality facts: what the records on each side lack, doubt and contradict, as counts and never a value.

In: the working store after reading, with or without `link`. Out: `Quality`, from `facts(connection, as_at=...)`. A side
that was not loaded is left out, so one extract alone can be looked at too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.quality import to_fix
from caretrace.quality.find import BY_NAME, KINDS, found
from caretrace.quality.kind import Kind, Severity, Where
from caretrace.quality.persons import COMPARED
from schemas import PERSON, Type
from schemas.person import KEY_COLUMNS, PROVENANCE_COLUMNS

if TYPE_CHECKING:
    import duckdb

SIDES = ("clients", "register")
RULES = 1
"""Version of the kinds' meaning: figures of another version are not compared with ours."""

_NOT_FIELDS = {column.name for column in (*KEY_COLUMNS, *PROVENANCE_COLUMNS)} | {"birth_date_precision"}
FIELDS: tuple[str, ...] = tuple(c.name for c in PERSON.columns if c.type is not Type.FLAG and c.name not in _NOT_FIELDS)
"""The PERSON columns whose completeness is counted."""


@dataclass(frozen=True)
class Field:
    """Completeness of one PERSON column; present + missing + refused = records, doubtful is part of present."""

    column: str
    present: int
    missing: int
    refused: int
    doubtful: int


@dataclass(frozen=True)
class SourceQuality:
    """One organisation's copy of one system."""

    side: str
    source: str
    source_org: str
    records: int
    shared: int
    """Records whose person another system or organisation holds too."""
    restricted: int
    born_full_date: int
    """Records with a full date of birth: one in 365.25 of them is expected on 1 January."""
    unmatched: int
    """Clients that the run did not link; 0 where nothing was linked."""
    fields: tuple[Field, ...]
    to_mend: dict[str, int]
    """Records in `to_fix` by the word of their most urgent finding; each counts once."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it."""
        return self.side, self.source, self.source_org

    def field(self, column: str) -> Field:
        """Completeness of one column."""
        return next(each for each in self.fields if each.column == column)


@dataclass(frozen=True)
class Figure:
    """How many records of one source one kind holds for; no figure where it holds for none."""

    kind: str
    side: str
    source: str
    source_org: str
    records: int
    doubtful: int
    """Further records for which it holds only if a link below certainty is right; never listed."""
    unmatched: int
    """Clients among `records` that the run did not link."""

    @property
    def key(self) -> tuple[str, str, str]:
        """The source it belongs to."""
        return self.side, self.source, self.source_org

    @property
    def declared(self) -> Kind:
        """The kind's declaration."""
        return BY_NAME[self.kind]

    def counts(self) -> dict[str, int]:
        """Its numbers by name, those that are 0 left out."""
        numbers = {"records": self.records, "doubtful": self.doubtful, "unmatched": self.unmatched}
        return {name: number for name, number in numbers.items() if number}

    @property
    def listed(self) -> int:
        """Records of it in `to_fix`."""
        return self.records if self.declared.is_listed(self.side) else 0


@dataclass(frozen=True)
class Issue:
    """How often one thing is wrong with one column of a source."""

    side: str
    source: str
    source_org: str
    column: str
    issue: str
    used: bool
    values: int


@dataclass(frozen=True)
class SetAside:
    """How many records of one file a rule set aside."""

    side: str
    source: str
    kind: str
    file: str
    rule: str
    records: int


@dataclass(frozen=True)
class Between:
    """People that two systems hold, and about how many of them the two disagree, kind by kind; sure links only."""

    side: str
    source: str
    other_side: str
    other_source: str
    people: int
    differ: dict[str, int]


@dataclass(frozen=True)
class Quality:
    """All facts; `as_at` is the day that ages, open services and future dates were judged by."""

    as_at: date
    linked: bool
    """Whether people were told by the links of a run, or only by the NHS numbers that records share."""
    sources: tuple[SourceQuality, ...]
    figures: tuple[Figure, ...]
    """In the order of the kinds, then of the sources."""
    issues: tuple[Issue, ...]
    set_aside: tuple[SetAside, ...]
    between: tuple[Between, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return {"rules": RULES, **asdict(self), "as_at": self.as_at.isoformat()}

    def summary(self) -> dict[str, Any]:
        """What a manifest keeps, for the trend of the next run: the figures and what they are shares of."""
        kept = ("side", "source", "source_org", "records", "shared", "to_mend")
        return {
            "rules": RULES,
            "as_at": self.as_at.isoformat(),
            "linked": self.linked,
            "sources": [
                {name: getattr(source, name) for name in kept}
                | {"figures": {f.kind: f.counts() for f in self.figures if f.key == source.key}}
                for source in self.sources
            ],
        }

    def of(self, figure: Figure) -> int:
        """What the figure is a share of: the source's records, or those that another system can contradict."""
        source = next(each for each in self.sources if each.key == figure.key)
        return source.shared if figure.declared.of_shared else source.records


def facts(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_at: date,
    linked: bool = False,
    lists: Path | None = None,
    workbooks: bool = False,
) -> Quality:
    """Count everything on the sides that are loaded: a little over a second for a million people.

    `linked` says that the store holds `link`. The records to mend are listed in the folder `lists`, which must exist,
    as CSV, and with `workbooks` as XLSX too.
    """
    loaded = _rows(connection, "SELECT table_schema FROM information_schema.tables WHERE table_name = 'person'")
    sides = [side for side in SIDES if (side,) in loaded]
    today = f"DATE '{as_at}'"
    counted: _Counted = {
        (side, row[0], row[1]): row[2:] for side in sides for row in _rows(connection, _counts_sql(side))
    }
    with found(connection, sides, counted, linked=linked, today=today):
        quality = Quality(
            as_at,
            linked,
            tuple(source for side in sides for source in _sources(connection, side, counted)),
            _figures(connection, sides, today),
            tuple(Issue(*row) for side in sides for row in _rows(connection, _ISSUES.format(side=side))),
            tuple(SetAside(*row) for side in sides for row in _rows(connection, _SET_ASIDE.format(side=side))),
            _between(connection),
        )
        if lists is not None:
            to_fix.write(connection, sides, lists, workbooks=workbooks)
    return quality


_SEVERITIES = list(Severity)
_Counted = dict[tuple[str, str, str], tuple[int, ...]]
"""By source what one scan counts: records, restricted, full dates of birth, and FIELDS."""


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def _by_source(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Rows that begin with source and source_org, by those two."""
    return {(row[0], row[1]): row[2:] for row in _rows(connection, sql)}


# Counts are `count(*) FILTER (...)` throughout: count_if over nothing but nulls is null, not 0.
_ISSUES = """SELECT '{side}', source, source_org, "column", issue, used, count(*) FROM {side}.data_quality
    GROUP BY ALL ORDER BY ALL"""
_SET_ASIDE = """SELECT '{side}', coalesce(source, ''), kind, coalesce(extract_file, ''), rule, count(*)
    FROM {side}.set_aside GROUP BY ALL ORDER BY ALL"""
_SHARED = """SELECT of_source, of_org, count(DISTINCT row) FROM temp.quality_compared
    JOIN temp.quality_system USING (system) WHERE side = '{side}' AND sure GROUP BY 1, 2"""
_UNMATCHED = """SELECT source, source_org, count(*) FROM {side}.person p JOIN temp.quality_unmatched u
    ON '{side}' = 'clients' AND u.row = p.rowid GROUP BY 1, 2"""


def _counts_sql(side: str) -> str:
    fields = ", ".join(f'count("{name}")' for name in FIELDS)
    return f"""SELECT source, source_org, count(*), count(*) FILTER (restricted),
        count(*) FILTER (birth_date_precision = 'YMD'), {fields}
        FROM {side}.person GROUP BY 1, 2 ORDER BY 1, 2"""


def _sources(connection: duckdb.DuckDBPyConnection, side: str, counted: _Counted) -> Iterator[SourceQuality]:
    doubts = _by_source(connection, _doubts_sql(side))
    shared = _by_source(connection, _SHARED.format(side=side))
    unmatched = _by_source(connection, _UNMATCHED.format(side=side))
    to_mend: dict[tuple[str, str], dict[str, int]] = {}
    for source, organisation, urgency, number in _rows(connection, _to_mend_sql(side)):
        to_mend.setdefault((source, organisation), {})[_SEVERITIES[urgency].value] = number
    for (of_side, *rest), (records, restricted, full, *present) in counted.items():
        if of_side != side:
            continue
        key = (rest[0], rest[1])
        doubt = doubts.get(key, (0,) * 2 * len(FIELDS))
        refused, doubtful = doubt[: len(FIELDS)], doubt[len(FIELDS) :]
        fields = tuple(
            Field(name, here, records - here - lost, lost, odd)
            for name, here, lost, odd in zip(FIELDS, present, refused, doubtful, strict=True)
        )
        (both,), (left,) = shared.get(key, (0,)), unmatched.get(key, (0,))
        yield SourceQuality(side, *key, records, both, restricted, full, left, fields, to_mend.get(key, {}))


def _to_mend_sql(side: str) -> str:
    urgencies = ", ".join(
        f"({place}, {_SEVERITIES.index(kind.severity)})" for place, kind in enumerate(KINDS) if kind.is_listed(side)
    )
    return f"""SELECT p.source, p.source_org, m.urgency, count(*)
        FROM (SELECT f.row, min(k.urgency) AS urgency FROM temp.quality_found f
            JOIN (VALUES {urgencies}) k(kind, urgency) ON k.kind = f.kind
            WHERE f.side = '{side}' AND f.sure GROUP BY f.row) m
        JOIN {side}.person p ON p.rowid = m.row GROUP BY ALL ORDER BY ALL"""


def _doubts_sql(side: str) -> str:
    """Records whose value was refused and is null, then records whose value is used but doubtful, per field."""

    def counted(name: str, used: str, is_null: str) -> str:
        return f'count(*) FILTER (f."column" = \'{name}\' AND {used} AND p."{name}" {is_null})'

    refused = (counted(name, "NOT f.used", "IS NULL") for name in FIELDS)
    doubtful = (counted(name, "f.used", "IS NOT NULL") for name in FIELDS)
    return f"""SELECT source, source_org, {", ".join((*refused, *doubtful))}
        FROM temp.quality_fault f JOIN {side}.person p ON p.rowid = f.row WHERE f.side = '{side}' GROUP BY 1, 2"""


def _figures(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], today: str) -> tuple[Figure, ...]:
    gathered = " UNION ALL ".join(
        f"""SELECT f.kind, '{side}', p.source, p.source_org, count(*) FILTER (f.sure), count(*) FILTER (NOT f.sure),
            count(*) FILTER (f.sure AND {"f.row IN (FROM temp.quality_unmatched)" if side == "clients" else "false"})
        FROM temp.quality_found f JOIN {side}.person p ON p.rowid = f.row WHERE f.side = '{side}' GROUP BY ALL"""
        for side in sides
    )
    # What nobody is sent a list of is counted where it stands; the conditions skip most rows.
    counted = (
        f"""SELECT {place}, '{side}', source, source_org, count(*), 0, 0 FROM {side}.person p
        WHERE {kind.rule.sql.format(side=side, today=today)} GROUP BY ALL"""
        for side in sides
        for place, kind in enumerate(KINDS)
        if kind.is_only_counted(side) and isinstance(kind.rule, Where)
    )
    rows = sorted(_rows(connection, " UNION ALL ".join((gathered, *counted))))
    return tuple(Figure(KINDS[place].name, *rest) for place, *rest in rows)


def _between(connection: duckdb.DuckDBPyConnection) -> tuple[Between, ...]:
    # A person counts once, in whichever direction the two disagree.
    either = ", ".join(f'bool_or("{kind.name}") AS "{kind.name}"' for kind in COMPARED)
    differ = ", ".join(f'count(*) FILTER ("{kind.name}")' for kind in COMPARED)
    rows = _rows(
        connection,
        f"""SELECT a_side, a_source, b_side, b_source, count(*), {differ}
        FROM (SELECT who, a.of_side AS a_side, a.of_source AS a_source, b.of_side AS b_side, b.of_source AS b_source,
                {either}
            FROM temp.quality_compared c JOIN temp.quality_system a ON a.system = least(c.system, c.other)
            JOIN temp.quality_system b ON b.system = greatest(c.system, c.other) WHERE sure GROUP BY ALL)
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
    )
    return tuple(
        Between(
            side,
            source,
            other_side,
            other_source,
            people,
            {kind.name: number for kind, number in zip(COMPARED, differ, strict=True) if number},
        )
        for side, source, other_side, other_source, people, *differ in rows
    )
