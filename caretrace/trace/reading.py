"""Reading replies: every answer is set beside its question, judged by rule, counted and kept; nothing goes unsaid."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.parquet import write_parquet
from caretrace.project import Project
from caretrace.run_folder import Run
from caretrace.trace import results
from caretrace.trace.opening import opened
from caretrace.trace.rules import (
    FORMS,
    SAME_GIVEN,
    STATUS,
    Rules,
    Verdict,
    given_words,
    load_everyday_forms,
    reason,
    verdict,
)
from caretrace.trace.store import ANSWER_COLUMNS, Kept, facts
from caretrace.written import log_writing
from connectors.suppliers.trace_codes import meaning
from connectors.writers.for_people import write_csv
from schemas import IDENTIFIER, PERSON
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

    from connectors import ReadReport, Source

FORMATS = ("pds_mesh", "mpt", "dbs")
NO_CODE = "another text"
"""What a summary calls a code that cannot be one."""


@dataclass(frozen=True)
class Read:
    """What replies said, in numbers."""

    folder: Path
    records: int
    """Records of all files."""
    set_aside: Mapping[str, int]
    """Those that are no answers or cannot be used, by rule."""
    answers: int
    """Answers to questions of this run."""
    strangers: Mapping[str, int]
    """Answers that are none to this run's questions, by why; they are not used."""
    codes: Sequence[tuple[str, str, int]]
    """Code, its meaning, how many answers."""
    verdicts: Mapping[str, int]
    """What was decided about them."""
    reasons: Mapping[str, int]
    """Why a person must look."""
    unanswered: int
    """Questions of the requests answered here that no reading has an answer to."""
    clients: Mapping[str, int]
    """What all answers together say of the run's clients, by verdict."""
    settled: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; no person is in them."""
        return {
            "folder": str(self.folder),
            "records": self.records,
            "set_aside": dict(self.set_aside),
            "answers": self.answers,
            "not_ours": dict(self.strangers),
            "codes": [{"code": code, "meaning": said, "answers": count} for code, said, count in self.codes],
            "verdicts": dict(self.verdicts),
            "reasons": dict(self.reasons),
            "unanswered": self.unanswered,
            "clients": dict(self.clients),
        }


def read(
    replies: Sequence[Source], run: Run, *, project: Project, keys_dir: Path, rules: Rules, maker: str, now: datetime
) -> Read:
    """Read replies to this run's requests, judge every answer, and keep what came of it in the project.

    Raises InputError where a reply cannot be read, or holds no answer to any question of this run.
    """
    kept, run_id = Kept.of(project), str(run.manifest["run_id"])
    number, folder = kept.next_reading()
    with opened(run) as connection:
        # The run's own register is not needed here, and the replies are read in its place.
        connection.execute("DROP SCHEMA register CASCADE")
        report = _read_replies(connection, replies, now)
        kept.load_questions(connection)
        strangers = _match(connection)
        [(answers,)] = connection.execute("SELECT count(*) FROM fitting").fetchall()
        if not answers:
            said = "; ".join(f"{count:,} {why}" for why, count in strangers.items()) or "it holds none at all"
            raise InputError(f"no answer is to a question of this run: {said}", path=replies[0].label)
        _judge(connection, rules, number, now)
        files = [folder / name for name in _FILES]
        with log_writing(
            project,
            keys_dir,
            kind="trace results",
            purpose="answers of the tracing service, kept beside the run they are about",
            files=files,
            recipient=None,
            run_id=run_id,
            maker=maker,
            now=now,
        ) as writing:
            answered, people, ids, sheet, note = writing.drafts
            write_parquet(connection, f"SELECT {', '.join(ANSWER_COLUMNS)} FROM judged ORDER BY reference", answered)
            _write_register(connection, people, ids)
            results.build(connection, kept, also=(answered,))
            write_csv(connection, RESULTS, sheet)
            done = _summary(connection, report, strangers, folder, writing.settled)
            note_facts = {"run_id": run_id, "at": now.isoformat(timespec="seconds"), "rules": rules.to_json()}
            inputs = [{"name": file.name, "sha256": file.sha256} for file in report.files]
            text = json.dumps(note_facts | {"inputs": inputs} | done.to_json() | {"folder": folder.name}, indent=2)
            note.write_text(text + "\n", encoding="utf-8", newline="\n")
            writing.rows = answers
    return done


_FILES = ("answers.parquet", "register/person.parquet", "register/identifier.parquet", "results.csv", "reading.json")

_STATUS = " ".join(f"WHEN '{verdict.name}' THEN '{status}'" for verdict, status in STATUS.items())
RESULTS = f"""SELECT source, source_org, record_id, verdict, CASE verdict {_STATUS} END AS nhs_number_status,
        nhs_number AS accepted_nhs_number, former_nhs_number, asked AS asked_nhs_number, answered_nhs_number, outcome,
        code, step, confidence, answered_on, reason, CASE WHEN restricted THEN 'yes' ELSE '' END AS restricted,
        CASE WHEN dead THEN 'yes' ELSE '' END AS deceased
    FROM result ORDER BY source, source_org, record_id"""


def _read_replies(connection: duckdb.DuckDBPyConnection, replies: Sequence[Source], now: datetime) -> ReadReport:
    import connectors

    given = [replace(reply, among=FORMATS) for reply in replies]
    report = connectors.read(connection, given, side="register", as_at=now.date())
    # A format may have been named.
    if wrong := [file.name for file in report.files if file.format not in FORMATS]:
        raise InputError("is no reply of PDS MESH, MPT or DBS", path=wrong[0])
    return report


def _match(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Make the table `fitting`: answers that are to a question of this run; the rest by why not."""
    why = (
        "CASE WHEN q.reference IS NULL THEN 'to no question of this project'"
        " WHEN c.record_id IS NULL THEN 'about a client that is not in this run, or has changed since it was asked'"
        " WHEN t.requested_nhs_number IS NOT NULL AND t.requested_nhs_number IS DISTINCT FROM q.asked"
        " THEN 'whose repeated number is not the one asked about' END"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE matched AS SELECT t.record_id AS reference, {why} AS why_not"
        " FROM register.trace t LEFT JOIN asked_before q ON q.reference = t.record_id LEFT JOIN clients.person c"
        " ON c.source = q.source AND c.source_org = q.source_org AND c.record_id = q.record_id"
        f" AND {facts('c')} = q.facts"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE fitting AS SELECT reference FROM matched WHERE why_not IS NULL")
    return dict(
        connection.execute(
            "SELECT why_not, count(*) FROM matched WHERE why_not IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )


def _judge(connection: duckdb.DuckDBPyConnection, rules: Rules, number: int, now: datetime) -> None:
    """Make the table `judged` (ANSWER_COLUMNS)."""
    load_everyday_forms(connection)
    words = given_words("given_name", "middle_names")
    why = reason(rules)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE judged AS
        WITH f AS (SELECT *, {words} AS given FROM register.person),
             c AS (SELECT *, {words} AS given FROM clients.person),
             together AS (
                SELECT t, q, f, c, {SAME_GIVEN} AS same_given
                FROM register.trace t SEMI JOIN fitting ON fitting.reference = t.record_id
                JOIN asked_before q ON q.reference = t.record_id
                JOIN c ON c.source = q.source AND c.source_org = q.source_org AND c.record_id = q.record_id
                LEFT JOIN f ON f.record_id = t.record_id CROSS JOIN {FORMS})
        SELECT {number} AS reading, q.request_id, q.run_id, q.round, q.source, q.source_org, q.record_id, q.why,
            q.asked, q.facts, q.reference, t.source AS service, t.code, t.outcome, t.nhs_number, t.step, t.confidence,
            {verdict("(" + why + ")")} AS verdict, {why} AS reason,
            coalesce(t.traced_on, DATE '{now.date().isoformat()}') AS answered_on,
            f.death_date IS NOT NULL AS dead, coalesce(f.restricted, false) AS restricted
        FROM together""")


def _write_register(connection: duckdb.DuckDBPyConnection, people: Path, ids: Path) -> None:
    """The people found and accepted, as files of our own format: further register evidence for `caretrace link`."""
    accepted = f"('{Verdict.ACCEPTED.name}', '{Verdict.REPLACED.name}')"
    for table, path in ((PERSON, people), (IDENTIFIER, ids)):
        # Where they stood in the reply is nobody's concern any more, and the next reader says it of our files.
        columns = ", ".join(f'"{name}"' for name in table.names if not name.startswith("extract_"))
        write_parquet(
            connection,
            f"SELECT {columns} FROM register.{table.name.lower()} SEMI JOIN"
            f" (SELECT reference AS record_id FROM judged WHERE verdict IN {accepted}) USING (record_id) ORDER BY ALL",
            path,
        )


def _summary(
    connection: duckdb.DuckDBPyConnection,
    report: ReadReport,
    strangers: Mapping[str, int],
    folder: Path,
    settled: tuple[str, ...],
) -> Read:
    def counts(query: str) -> dict[str, int]:
        return dict(connection.execute(query).fetchall())

    # What stands where a code belongs may be somebody's value, in a reply whose columns were moved.
    code = f"CASE WHEN regexp_full_match(code, '[0-9]{{1,2}}') THEN code WHEN code IS NOT NULL THEN '{NO_CODE}' END"
    codes = connection.execute(f"SELECT service, {code}, count(*) FROM judged GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
    [(unanswered,)] = connection.execute(
        "SELECT count(*) FROM asked_before q SEMI JOIN judged j ON j.request_id = q.request_id"
        " ANTI JOIN answer a ON a.reference = q.reference"
    ).fetchall()
    named = "SELECT verdict, count(*) FROM {} GROUP BY 1 ORDER BY 1"
    return Read(
        folder=folder,
        records=report.records,
        set_aside=counts("SELECT rule, count(*) FROM register.set_aside GROUP BY 1 ORDER BY 1"),
        answers=sum(count for *_, count in codes),
        strangers=strangers,
        codes=[(code or "", meaning(service, code), count) for service, code, count in codes],
        verdicts={Verdict[name].value: count for name, count in counts(named.format("judged")).items()},
        reasons=counts("SELECT reason, count(*) FROM result WHERE verdict = 'REFER' GROUP BY 1 ORDER BY 1"),
        unanswered=int(unanswered),
        clients={Verdict[name].value: count for name, count in counts(named.format("result")).items()},
        settled=settled,
    )
