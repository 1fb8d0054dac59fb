"""Files that client systems load: each client's NHS number, its status, how and when it was found; one file a system.

A number that differs from the one a client holds is never in them: it stands in the list of conflicts, for a person.
Status 01 (present and verified) is given only to what the national service confirmed (`caretrace.trace`); what was
linked has 02 or 03, as the run's settings say. Columns are those of our own format, so `caretrace` reads them back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from caretrace.files import refuse_inside
from caretrace.outputs import OutputSettings, load_back_sql, prepare_claims
from caretrace.project import Project
from caretrace.run_folder import Run
from caretrace.trace import results
from caretrace.trace.opening import opened, quoted
from caretrace.trace.rules import Verdict
from caretrace.trace.store import Kept
from caretrace.written import log_writing
from connectors.writers.for_people import MOST_ROWS, is_formula, write_csv, write_xlsx
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    import duckdb

Form = Literal["csv", "xlsx"]

COLUMNS = (
    *("source", "source_org", "record_id", "nhs_number", "nhs_number_status", "action", "former_nhs_number"),
    *("found_by", "found_on", "deceased", "restricted"),
)
CONFLICT_COLUMNS = ("source", "source_org", "record_id", "held_nhs_number", "other_nhs_number", "found_by", "reason")

REPLACED = "the national service replaced the number held; give --replaced to load the new one"
SUPPRESSED = Verdict.SUPPRESSED.value
DIFFERS = "the number held is not the one the national service confirmed"
LINKED_NOW = "the run links it to another number than the national service confirmed"

_KEY = "source, source_org, record_id"


@dataclass(frozen=True)
class System:
    """One client system: a kind of system and whose copy."""

    source: str
    source_org: str

    @property
    def name(self) -> str:
        """Fit for a file name."""
        return re.sub(r"[^A-Za-z0-9]+", "-", f"{self.source}-{self.source_org}").strip("-").lower() or "clients"


@dataclass(frozen=True)
class Loaded:
    """What was written for one system."""

    system: System
    files: tuple[Path, ...]
    rows: int
    actions: dict[str, int]
    """add, confirm, replace."""
    conflicts: int
    changed_ids: int
    """Record ids that the CSV holds with an apostrophe, since a spreadsheet would run them; not so a workbook."""


def load_back(
    run: Run,
    out: Path,
    *,
    project: Project,
    keys_dir: Path,
    systems: Sequence[str],
    forms: Sequence[Form],
    replaced: bool,
    maker: str,
    now: datetime,
) -> list[Loaded]:
    """Write the load-back and conflict files of each client system of the run into the folder `out`.

    `systems` chooses by source or `source/organisation`; all where empty. `replaced` loads numbers by which the
    service replaced held ones; else they are conflicts. Raises InputError where nothing is to be loaded.
    """
    refuse_inside(out, run.path, option="--out")
    run_id = str(run.manifest["run_id"])
    with opened(run) as connection:
        results.build(connection, Kept.of(project))
        _build(connection, run, replaced)
        chosen = _systems(connection, systems)
        names = _names(chosen)
        files = [out / f"{name}.{form}" for s in chosen for name in names[s] for form in forms]
        with log_writing(
            project,
            keys_dir,
            kind="load-back",
            purpose="NHS numbers for the council's own systems",
            files=files,
            recipient=", ".join(f"{s.source} {s.source_org}" for s in chosen),
            run_id=run_id,
            maker=maker,
            now=now,
        ) as writing:
            done, drafts = [], iter(writing.drafts)
            for system in chosen:
                counts = [_write(connection, query, next(drafts), f) for query in _queries(system) for f in forms]
                paths = tuple(out / f"{name}.{form}" for name in names[system] for form in forms)
                done.append(_loaded(connection, system, paths, counts[0], counts[len(forms)]))
            writing.rows = sum(each.rows + each.conflicts for each in done)
    return done


def _build(connection: duckdb.DuckDBPyConnection, run: Run, replaced: bool) -> None:
    """Make the tables `loading` (COLUMNS) and `conflict` (CONFLICT_COLUMNS), a client in one of them at most."""
    settings = OutputSettings(**run.manifest["settings"]["load_back"])
    linked_on = date.fromisoformat(str(run.manifest["created_at"])[:10])
    prepare_claims(connection)
    accepted = f"r.verdict IN ('{Verdict.ACCEPTED.name}', '{Verdict.REPLACED.name}')"
    # A link made after the trace; one that was asked about has an answer, which `result` has weighed.
    linked_now = (
        "coalesce(c.nhs_number <> r.nhs_number AND c.nhs_number IS DISTINCT FROM r.former_nhs_number AND NOT EXISTS"
        f" (SELECT 1 FROM answer_once a WHERE {_same('a', 'c')} AND a.asked = c.nhs_number), false)"
    )
    is_replaced = "p.nhs_number = r.former_nhs_number AND p.nhs_number <> r.nhs_number"
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE traced AS SELECT {_KEY}, p.nhs_number AS held, r.* EXCLUDE
            ({_KEY}), {accepted} AS accepted, {linked_now} AS linked_now,
            CASE WHEN NOT {accepted} OR {linked_now} THEN NULL WHEN p.nhs_number IS NULL THEN 'add'
                WHEN p.nhs_number = r.nhs_number THEN 'confirm' WHEN {is_replaced} THEN 'replace' END AS action,
            'traced, ' || coalesce(r.step, 'no step given') || ' (' || r.service || ' ' || coalesce(r.code, '') || ')'
                AS found_by,
            coalesce(r.dead, false) OR p.death_date IS NOT NULL AS is_dead,
            coalesce(r.restricted, false) OR coalesce(p.restricted, false) AS is_restricted
        FROM result r JOIN clients.person p USING ({_KEY}) LEFT JOIN claim c USING ({_KEY})""")
    actions = "('add', 'confirm', 'replace')" if replaced else "('add', 'confirm')"
    left_out = "".join(
        f" AND NOT {column}"
        for name, column in (("dead", "is_dead"), ("restricted", "is_restricted"))
        if getattr(settings, name) == "leave-out"
    )
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE loading AS
        SELECT {_KEY}, nhs_number, '01' AS nhs_number_status, action,
            CASE WHEN action = 'replace' THEN held END AS former_nhs_number, found_by, answered_on AS found_on,
            CASE WHEN is_dead THEN 'yes' ELSE '' END AS deceased,
            CASE WHEN is_restricted THEN 'yes' ELSE '' END AS restricted
        FROM traced WHERE action IN {actions}{left_out}
        UNION ALL
        SELECT l.source, l.source_org, l.client_id, l.nhs_number, l.nhs_number_status, 'add', NULL,
            'linked, ' || c.method, DATE '{linked_on.isoformat()}', l.deceased, l.restricted
        FROM ({load_back_sql(settings)}) l JOIN claim c ON c.source = l.source AND c.source_org = l.source_org
            AND c.record_id = l.client_id
        ANTI JOIN traced t ON t.source = l.source AND t.source_org = l.source_org AND t.record_id = l.client_id
        ANTI JOIN traced u ON u.nhs_number = l.nhs_number""")
    _build_conflicts(connection, actions)


def _build_conflicts(connection: duckdb.DuckDBPyConnection, actions: str) -> None:
    from caretrace.outputs import CONFLICTS

    verdicts = " ".join(f"WHEN '{each.name}' THEN {quoted(each.value)}" for each in Verdict)
    # A linked number that another client was traced to is that one's; what failed its trace is not loaded as linked.
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE conflict AS
        SELECT {_KEY}, held AS held_nhs_number, coalesce(nhs_number, answered_nhs_number, asked) AS other_nhs_number,
            found_by, CASE WHEN action = 'replace' THEN {quoted(REPLACED)} WHEN linked_now THEN {quoted(LINKED_NOW)}
                WHEN accepted THEN {quoted(DIFFERS)}
                ELSE concat_ws(': ', CASE verdict {verdicts} END, reason) END AS reason
        FROM traced WHERE NOT (action IS NOT NULL AND action IN {actions})
            AND coalesce(nhs_number, answered_nhs_number, asked, held) IS NOT NULL
        UNION ALL
        SELECT c.source, c.source_org, c.client_id, c.client_nhs_number, c.linked_nhs_number, 'linked, ' || c.method,
            c.reason
        FROM ({CONFLICTS}) c ANTI JOIN traced t ON t.source = c.source AND t.source_org = c.source_org
            AND t.record_id = c.client_id
        UNION ALL
        SELECT c.source, c.source_org, c.record_id, c.own_nhs_number, c.nhs_number, 'linked, ' || c.method,
            {quoted(results.SHARED)}
        FROM claim c JOIN traced u ON u.nhs_number = c.nhs_number
        ANTI JOIN traced t ON t.source = c.source AND t.source_org = c.source_org AND t.record_id = c.record_id
        WHERE c.own_nhs_number IS NULL AND c.claimants = 1""")
    # A client that was traced well and linked to somebody else stays loaded; in every other case a conflict wins.
    connection.execute(f"DELETE FROM loading l USING conflict c WHERE {_same('l', 'c')}")


def _same(a: str, b: str) -> str:
    return " AND ".join(f"{a}.{name} = {b}.{name}" for name in _KEY.split(", "))


def _systems(connection: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> list[System]:
    found = [
        System(*row)
        for row in connection.execute("SELECT DISTINCT source, source_org FROM clients.person ORDER BY ALL").fetchall()
    ]
    chosen = [s for s in found if not wanted or {s.source, f"{s.source}/{s.source_org}"} & set(wanted)]
    if not chosen:
        names = ", ".join(f"{s.source}/{s.source_org}" for s in found)
        raise InputError(f"--system names none of the client systems of this run; they are {names}")
    return chosen


def _names(systems: Sequence[System]) -> dict[System, tuple[str, str]]:
    """Stems of the two files of each system; numbered where two systems would have one name."""
    taken: dict[str, int] = {}
    names = {}
    for system in systems:
        taken[system.name] = taken.get(system.name, 0) + 1
        stem = system.name if taken[system.name] == 1 else f"{system.name}-{taken[system.name]}"
        names[system] = (f"load-back-{stem}", f"conflicts-{stem}")
    return names


def _queries(system: System) -> tuple[str, str]:
    which = f"source = {quoted(system.source)} AND source_org = {quoted(system.source_org)}"
    return (
        f"SELECT {', '.join(COLUMNS)} FROM loading WHERE {which} ORDER BY record_id",
        f"SELECT {', '.join(CONFLICT_COLUMNS)} FROM conflict WHERE {which} ORDER BY record_id, other_nhs_number",
    )


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path, form: Form) -> int:
    if form == "xlsx":
        [(rows,)] = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()
        if rows > MOST_ROWS:
            raise SettingsError(f"a worksheet holds {MOST_ROWS:,} rows at most, and there are {rows:,}; use CSV")
        return write_xlsx(connection, query, path, sheet="NHS numbers")
    return write_csv(connection, query, path)


def _loaded(
    connection: duckdb.DuckDBPyConnection, system: System, files: tuple[Path, ...], rows: int, conflicts: int
) -> Loaded:
    query, _ = _queries(system)
    actions = connection.execute(f"SELECT action, count(*) FROM ({query}) GROUP BY 1 ORDER BY 1").fetchall()
    [(changed,)] = connection.execute(f"SELECT count(*) FILTER ({is_formula('record_id')}) FROM ({query})").fetchall()
    return Loaded(system, files, rows, dict(actions), conflicts, int(changed))
