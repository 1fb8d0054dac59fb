"""What holds a delivery until a person has looked at it: a reason in one sentence, with counts and never a value.

In: the working store with a delivery just read, and what became of its files. Out: a reason, or None. The limits are
those of the source's settings (`[source.hold]`), our own choices [assumed].
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from caretrace.nightly.deliveries import Delivery
from caretrace.nightly.values import of_unread, of_values
from caretrace.nightly.waiting import without_numbers
from caretrace.project.settings import Hold
from caretrace.warehouse import tables
from connectors.accounts import BROKEN_END
from schemas import DATA_QUALITY, OBJECTION, OPT_OUT, PERSON

if TYPE_CHECKING:
    import duckdb

    from connectors import FileFacts, ReadReport

_FEWEST = 20
"""People of a source below which nobody asks whether too many have gone [assumed], as in connectors/feed."""
_LET_PASS = 2
"""Records that hold no file by their share: in a night's few changes one is a large share [assumed]."""


def judge(
    connection: duckdb.DuckDBPyConnection,
    report: ReadReport,
    deliveries: Sequence[Delivery],
    *,
    whole: bool,
    used_before: Collection[str] = (),
) -> str | None:
    """Why `deliveries`, of one source and just read into the store, are held; None where nothing speaks against them.

    `whole` says that together they are everything the source has, so that whoever is not in them is gone;
    `used_before` what files of earlier deliveries were called. The store has the state attached as `state`.
    """
    source = deliveries[-1].source
    own = {sha256 for delivery in deliveries for sha256 in delivery.content}
    files = [file for file in report.files if file.sha256 in own]
    fewest = int(deliveries[-1].mode == "full")
    reasons = [*_of_files(files, source.hold, fewest=fewest), *of_unread(report.files)]
    reasons += _of_strangers(report.files, used_before)
    reasons += of_values(connection, source.side, files, source.hold.unusable)
    if whole:
        reasons += _of_people(connection, source.name, source.side, source.hold)
        # Where changes are laid over a full extract, whoever withdrew is told by them.
        if deliveries[-1].mode == "full":
            reasons += _of_tables(connection, report, source.name, source.side)
    else:
        reasons += _of_gone(connection, source.name, source.side, source.hold)
    return "; ".join(reasons) or None


def _of_files(files: Sequence[FileFacts], hold: Hold, *, fewest: int) -> list[str]:
    reasons = []
    for file in files:
        if file.rejected > max(hold.rejected * file.records, _LET_PASS) or (file.rejected and not file.used):
            reasons.append(
                f"{file.name}: {file.rejected:,} of {file.records:,} records cannot be read, more than"
                f" {hold.rejected:.0%}"
            )
        elif hold.broken_end and BROKEN_END in (file.note or ""):
            reasons.append(f"{file.name}: {BROKEN_END}: the file may be cut short; deliver it again")
    records = sum(file.records for file in files)
    fewest = fewest if hold.fewest is None else hold.fewest
    if records < fewest:
        reasons.append(f"it holds {records:,} records, fewer than {fewest:,}")
    return reasons


def _of_strangers(files: Sequence[FileFacts], used_before: Collection[str]) -> list[str]:
    """Files that were of use before, and are now not known for what they are."""
    return [
        f"{file.name}: a file of this name was read before, and now it is {file.note or 'not read'}"
        for file in files
        if file.table == "-" and not file.sha256 and without_numbers(file.name) in used_before
    ]


def _of_tables(connection: duckdb.DuckDBPyConnection, report: ReadReport, feed: str, side: str) -> list[str]:
    """Tables of which nothing is left, though people whose rows they were are still there: a file was left out.

    One opt-out or objection is enough: without it the person's data would leave.
    """
    missing = []
    for table in _TABLES:
        if report.tables.get(table.name):
            continue
        [(rows,)] = connection.execute(
            f"SELECT count(*) FROM state.{side}.{tables.name(table)} t JOIN state.record s ON s.id = t.id"
            f" SEMI JOIN {side}.person p"
            " ON (p.source, p.source_org, p.record_id) = (s.source, s.source_org, s.record_id) WHERE s.feed = ?",
            [feed],
        ).fetchall()
        if rows >= (1 if table in _MARKS else _FEWEST):
            missing.append(f"{table.name} ({rows:,} rows)")
    if not missing:
        return []
    return [f"it holds nothing for {', '.join(missing)} of people who are in it; is a file missing?"]


_MARKS = (OPT_OUT, OBJECTION)
_TABLES = tuple(table for table in tables.KEPT if table not in (PERSON, DATA_QUALITY))


def _of_gone(connection: duckdb.DuckDBPyConnection, feed: str, side: str, hold: Hold) -> list[str]:
    """Whether changes say of too many of the feed's people that they are gone."""
    said = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'store' AND schema_name = ? AND table_name = 'gone'",
        [side],
    ).fetchall()
    if not said:
        return []
    [(before, gone)] = connection.execute(
        "SELECT count(*), count(g.record_id) FROM state.record s"
        f" LEFT JOIN (FROM {side}.gone WHERE part IS NULL) g USING (source, source_org, record_id)"
        " WHERE s.feed = ? AND s.side = ? AND s.to_run IS NULL",
        [feed, side],
    ).fetchall()
    if before >= _FEWEST and gone > hold.gone * before:
        return [f"it says that {gone:,} of the source's {before:,} people are gone, more than {hold.gone:.0%}"]
    return []


def _of_people(connection: duckdb.DuckDBPyConnection, feed: str, side: str, hold: Hold) -> list[str]:
    """Whether too many of the people of the feed, or all of one organisation, would be gone."""
    rows = connection.execute(
        "SELECT s.source_org, count(*), count(p.record_id) FROM state.record s"
        f" LEFT JOIN {side}.person p USING (source, source_org, record_id)"
        " WHERE s.feed = ? AND s.to_run IS NULL GROUP BY ALL ORDER BY ALL",
        [feed],
    ).fetchall()
    before, left = (sum(row[place] for row in rows) for place in (1, 2))
    if before >= _FEWEST and before - left > hold.gone * before:
        return [
            f"{before - left:,} of the source's {before:,} people are not in it, more than {hold.gone:.0%};"
            " is it whole?"
        ]
    gone = [organisation for organisation, _, remain in rows if not remain]
    if gone and len(gone) < len(rows):
        return [
            f"it holds nobody of {len(gone)} of the source's {len(rows)} organisations; where organisations deliver"
            " apart, give each a source of its own"
        ]
    return []
