"""A run's tables under the names that the measures' SQL reads, beside small tables of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.cld.checks import plain_label
from caretrace.measures import declared, lists
from caretrace.measures.declared import Measure
from caretrace.measures.period import Period
from caretrace.measures.settings import Settings
from caretrace.trace.opening import parquet
from connectors.values import quoted
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

_KEY = "source, source_org, record_id"
_MADE = ("measure_person", "measure_area", "measure_support", "measure_admission", "measure_unusable")


@dataclass(frozen=True)
class Linkage:
    """The people of the client lists: how many, how many of them linked, how many more wait for review."""

    clients: int
    linked: int
    review: int


@contextmanager
def connected(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A fresh connection that spills into `spill`, not into wherever the command was started, and fetches nothing."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET enable_progress_bar = false")
        yield connection


def open_run(connection: duckdb.DuckDBPyConnection, run: Path) -> None:
    """Make the views `run_person`, `run_service`, `run_spell` and `link` over the run folder's Parquet."""
    for view, file in {
        "run_person": "linked/person.parquet",
        "run_service": "linked/service.parquet",
        "run_spell": "linked/spell.parquet",
        "link": "links.parquet",
    }.items():
        if not (run / file).is_file():
            raise InputError(f"holds no {file}, which measures read; run `caretrace link` again", path=run)
        connection.execute(f"CREATE VIEW {view} AS SELECT * FROM {parquet(run / file)}")
    columns = {row[0] for row in connection.execute("DESCRIBE run_spell").fetchall()}
    if "discharge_ready_date" not in columns:
        # A run of a version that did not read it.
        connection.execute(
            "CREATE OR REPLACE VIEW run_spell AS SELECT *, CAST(NULL AS DATE) AS discharge_ready_date"
            f" FROM {parquet(run / 'linked/spell.parquet')}"
        )


def use_links(connection: duckdb.DuckDBPyConnection, *, review: bool) -> None:
    """Make `person`, `service` and `spell`: as linked, or with `review` as if every client for review were linked.

    That is a what-if about how much hangs on the review: it says nothing about which of those links are right.
    """
    keys = (
        "SELECT l.source, l.source_org, l.record_id, r.person_key FROM link l JOIN run_person r"
        " ON r.side = 'register' AND r.source = l.register_source AND r.source_org = l.register_source_org"
        " AND r.record_id = l.register_record_id WHERE l.decision = 'review'"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE review_key AS {keys}{'' if review else ' AND false'}")
    for name in ("person", "service", "spell"):
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT t.* REPLACE (coalesce(k.person_key, t.person_key) AS"
            f" person_key) FROM run_{name} t LEFT JOIN review_key k ON t.side = 'client' AND k.source = t.source"
            " AND k.source_org = t.source_org AND k.record_id = t.record_id"
        )


def make_settings(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Make `service_word`, `cost_unit`, `area_name`, `segment` and `segment_kind`."""
    words = connection.execute(
        "SELECT DISTINCT coalesce(service_type, ''), coalesce(service_component, ''), coalesce(client_type, ''),"
        " coalesce(outcome, '') FROM run_service ORDER BY ALL"
    ).fetchall()
    _make(
        connection,
        "service_word",
        {
            **dict.fromkeys(("service_type", "service_component", "client_type", "outcome", "kind"), "VARCHAR"),
            **dict.fromkeys(("is_user", "is_self_funded"), "BOOLEAN"),
        },
        [
            (
                *(kind, part, client, outcome, lists.kind_of(kind, part, settings.services)),
                *(lists.is_user(client), lists.is_self_funded(outcome)),
            )
            for kind, part, client, outcome in words
        ],
    )
    units = connection.execute("SELECT DISTINCT coalesce(cost_unit, '') FROM run_service ORDER BY 1").fetchall()
    known = [(unit, settings.cost_units.get(plain_label(unit))) for (unit,) in units]
    _make(
        connection,
        "cost_unit",
        {"cost_unit": "VARCHAR", "per_week": "DOUBLE", "is_planned": "BOOLEAN", "is_once": "BOOLEAN"},
        [
            (unit, None if isinstance(value, str) else float(value), value == "planned", value == "once")
            for unit, value in known
            if value is not None
        ],
    )
    _make(connection, "area_name", {"code": "VARCHAR", "area": "VARCHAR"}, list(settings.areas.items()))
    _make(
        connection,
        "segment",
        {
            "place": "INTEGER",
            "segment": "VARCHAR",
            "emergencies": "INTEGER",
            "min_age": "INTEGER",
            "max_age": "INTEGER",
            "asks_no_service": "BOOLEAN",
        },
        [
            (place, each.name, each.emergencies, each.min_age, each.max_age, not each.services)
            for place, each in enumerate(settings.segments.segments)
        ],
    )
    _make(
        connection,
        "segment_kind",
        {"place": "INTEGER", "kind": "VARCHAR"},
        [(place, kind) for place, each in enumerate(settings.segments.segments) for kind in each.services],
    )


def make_area(connection: duckdb.DuckDBPyConnection, area: str) -> None:
    """Make the base's `setting`: by what people are parted into areas."""
    _make(connection, "setting", {"area": "VARCHAR"}, [(area,)])


def any_review(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a client with a candidate waits for review."""
    return connection.execute("SELECT 1 FROM link WHERE decision = 'review' LIMIT 1").fetchall() != []


def make_base(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables every measure stands on, from `person`, `service` and `spell` as they are now."""
    for table in _MADE:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute(declared.shared(declared.BASE))


def linkage(connection: duckdb.DuckDBPyConnection) -> Linkage:
    """How much of the client lists is linked; needs the base."""
    [(clients, linked, review)] = connection.execute("""
        SELECT count(*), count(*) FILTER (is_registered = 1), count(*) FILTER (is_registered = 0 AND person_key IN (
            SELECT r.person_key FROM run_person r JOIN link l USING (source, source_org, record_id)
            WHERE r.side = 'client' AND l.decision = 'review'))
        FROM measure_person WHERE is_client = 1""").fetchall()
    return Linkage(clients, linked, review)


def make_measure(
    connection: duckdb.DuckDBPyConnection,
    measure: Measure,
    parameters: Mapping[str, Any],
    settings: Settings,
    periods: Sequence[Period],
    known_until: date,
) -> None:
    """Make `measure_row` (period, person_key, area, part, amounts), `measure_left_out` (period, person_key, reason)."""
    windows = [(each.name, *each.window(measure.window_months)) for each in periods]
    _make(
        connection,
        "measure_period",
        {"period": "VARCHAR", "first_day": "DATE", "last_day": "DATE", "last_number": "INTEGER"},
        [(name, first, last, last.year * 10_000 + last.month * 100 + last.day) for name, first, last in windows],
    )
    practices = [(code.strip().upper(),) for code in parameters.get("area_practices", ())]
    _make(connection, "area_practice", {"gp_practice_code": "VARCHAR"}, practices)
    scalars = {name: value for name, value in parameters.items() if isinstance(value, bool | int)}
    acsc = settings.acsc.get(str(parameters.get("acsc_list")))
    columns = {name: "BOOLEAN" if isinstance(value, bool) else "INTEGER" for name, value in scalars.items()}
    _make(
        connection,
        "setting",
        {**columns, "any_practice": "BOOLEAN", "transfers_count": "BOOLEAN", "known_until": "DATE"},
        [(*scalars.values(), not practices, acsc is not None and acsc.transfers_count, known_until)],
    )
    if acsc is not None:
        _make(connection, "acsc_code", {"condition": "VARCHAR", "code": "VARCHAR"}, acsc.codes)
        connection.execute("DROP TABLE IF EXISTS measure_avoidable")
        connection.execute(declared.shared(declared.AVOIDABLE))
    amounts = ", ".join(f"CAST({each.name} AS BIGINT) AS {each.name}" for each in measure.amounts)
    known = " AND ".join(f"{each.name} IS NOT NULL" for each in measure.amounts)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE measure_counted AS {measure.counted}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE measure_row AS SELECT period, person_key, area, part, {amounts}"
        f" FROM measure_counted JOIN measure_area USING (person_key) WHERE {known}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE measure_left_out AS {measure.left_out} UNION ALL SELECT period, person_key,"
        f" {quoted(measure.unknown)} FROM measure_counted WHERE NOT ({known})"
        " UNION ALL SELECT 'any', person_key, reason FROM measure_unusable"
        f" WHERE about IN ({lists_of(measure.depends)})"
    )
    twice = connection.execute(
        "SELECT 1 FROM measure_counted GROUP BY period, person_key HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if twice:
        raise AssertionError(f"{measure.name} counts somebody twice in a period")


def lists_of(words: Sequence[str]) -> str:
    """SQL literals with commas between; the empty text where there are none."""
    return ", ".join(map(quoted, words)) or "''"


def _make(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    declared_columns = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({declared_columns})")
    if rows:
        one = f"({', '.join('?' * len(columns))})"
        connection.execute(
            f"INSERT INTO {name} VALUES {', '.join([one] * len(rows))}", [cell for row in rows for cell in row]
        )
