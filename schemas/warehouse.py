"""What the warehouse publishes: the standard tables with their times, what was there before, and its own accounts.

Views, the dbt sources, the pages and the loading of other databases are all made from PUBLISHED.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from schemas import SOURCE_TABLES
from schemas.outcome import CANDIDATE, DATA_QUALITY, LINK, PERSON_KEY, SET_ASIDE
from schemas.person import KEY_COLUMNS
from schemas.table import Column, Identifies, Table, Type

VERSION = 1
"""Of what is published. It changes with every column that is added, renamed, removed or means something else."""

MIGRATIONS = MappingProxyType(
    {
        1: "The first. Run folders that `caretrace link` writes lack valid_from and from_run, and hold no history.",
    }
)
"""What whoever reads the tables must change, by version."""

PERSON_COLUMNS = (
    Column("person_key", Type.TEXT, "Our own id of the person. Null where the row is nobody's.", Identifies.DIRECT),
    Column(
        "person_nhs_number",
        Type.TEXT,
        "The person's NHS number, linked or held. Null where none.",
        Identifies.DIRECT,
    ),
    Column(
        "side",
        Type.TEXT,
        "Which list the record came from.",
        codes={"client": "the clients to be matched", "register": "the register matched against"},
    ),
)
"""What every linked table begins with."""

SINCE_COLUMNS = (
    Column("valid_from", Type.DATE, "Day of the run that first found the row as it is."),
    Column("from_run", Type.INTEGER, "Number of that run."),
)
UNTIL_COLUMNS = (
    Column("valid_to", Type.DATE, "Day of the run that no longer found it: the row held before, not on it."),
    Column("to_run", Type.INTEGER, "Number of that run."),
)
_WHY = Column("why", Type.TEXT, "Why it ended, in plain words.")
_RUN = Column("run", Type.INTEGER, "Number of the run.", required=True)

RUN = Table(
    "RUN",
    "one row per run of the warehouse",
    (
        _RUN,
        Column("as_at", Type.DATE, "The day its dates are judged by, and from which its rows hold."),
        Column("started", Type.TIME, "When it began, in UTC."),
        Column(
            "kind",
            Type.TEXT,
            "What was done.",
            codes={
                "night": "what changed was matched",
                "full": "everybody was matched",
                "undo": "a run was undone",
                "erase": "records were erased",
            },
        ),
        Column("version", Type.TEXT, "Version of caretrace."),
        Column("client_records", Type.INTEGER, "Client records in the warehouse after it."),
        Column("register_records", Type.INTEGER, "Register records after it."),
        Column("own_number", Type.INTEGER, "Clients whose own record holds an NHS number."),
        Column("with_number", Type.INTEGER, "Clients with an NHS number, held or linked."),
        Column("linked", Type.INTEGER, "Clients linked to a person of the register."),
        Column("review", Type.INTEGER, "Clients that wait for a person to decide."),
        Column("unlinked", Type.INTEGER, "Clients without a likely candidate."),
    ),
    key=("run",),
)

DELIVERY = Table(
    "DELIVERY",
    "one row per delivery of a feed and judgement of it",
    (
        Column("delivery", Type.INTEGER, "Our number of it.", required=True),
        Column("feed", Type.TEXT, "Name of the source in caretrace.toml."),
        Column("side", Type.TEXT, "Which side it fills.", codes={"clients": "clients", "register": "the register"}),
        Column("name", Type.TEXT, "Name of the file or folder as it was delivered."),
        Column(
            "mode",
            Type.TEXT,
            "What it says of those it does not name.",
            codes={"full": "they are gone", "delta": "nothing"},
        ),
        Column(
            "outcome",
            Type.TEXT,
            "What became of it.",
            codes={
                "applied": "it is in the warehouse",
                "held": "nothing of it is, until somebody accepts or replaces it",
                "repeated": "it had been applied before",
                "late": "a later one of its feed had been applied",
                "undone": "it was taken out again",
            },
        ),
        Column("reason", Type.TEXT, "Why it was not applied. Null where it was."),
        Column("run", Type.INTEGER, "Number of the run that judged it."),
        Column("files", Type.INTEGER, "Files in it."),
        Column("records", Type.INTEGER, "Records in them: used, rejected and excluded add up to it."),
        Column("used", Type.INTEGER, "Records that were used."),
        Column("rejected", Type.INTEGER, "Records that could not be read."),
        Column("excluded", Type.INTEGER, "Records left out by a rule."),
    ),
    key=("delivery",),
)

DELIVERY_FILE = Table(
    "DELIVERY_FILE",
    "one row per file of a delivery",
    (
        Column("delivery", Type.INTEGER, "The delivery.", required=True),
        Column("name", Type.TEXT, "Name of the file."),
        Column("sha256", Type.TEXT, "Of its bytes, in hex."),
        Column("bytes", Type.INTEGER, "Its size."),
        Column("records", Type.INTEGER, "Records in it: used, rejected and excluded add up to it."),
        Column("used", Type.INTEGER, "Records that were used."),
        Column("rejected", Type.INTEGER, "Records that could not be read."),
        Column("excluded", Type.INTEGER, "Records left out by a rule."),
    ),
)

LINK_CHANGE = Table(
    "LINK_CHANGE",
    "one row per client record and run that decided otherwise about it than the run before",
    (
        _RUN,
        Column("changed_on", Type.DATE, "Day of the run."),
        Column(
            "change",
            Type.TEXT,
            "What became of the link.",
            codes={
                "new link": "not linked before",
                "changed": "linked to another person than before",
                "withdrawn": "linked before, and no longer",
                "to review": "a person is to decide, and was not before",
                "no candidate": "waited for a person before, who is no longer needed",
                "new client": "a client that was not there before, without a likely candidate",
                "gone": "the client record is no longer there",
            },
            required=True,
        ),
        *KEY_COLUMNS,
        Column("decision_before", Type.TEXT, "Null where the client is new.", codes=LINK["decision"].codes),
        Column("decision", Type.TEXT, "Null where the client is gone.", codes=LINK["decision"].codes),
        Column("nhs_number_before", Type.TEXT, "The number linked before.", Identifies.DIRECT),
        Column("nhs_number", Type.TEXT, "The number linked now.", Identifies.DIRECT),
        _WHY,
    ),
    key=("run", "source", "source_org", "record_id"),
)

ENDED_KEY = Table(
    "ENDED_KEY",
    "one row per person key that is no longer used",
    (
        Column("person_key", Type.TEXT, "The key.", Identifies.DIRECT, required=True),
        Column("merged_into", Type.TEXT, "The key that took its place. Null where nobody has.", Identifies.DIRECT),
        *SINCE_COLUMNS,
        *UNTIL_COLUMNS,
    ),
    key=("person_key",),
)


@dataclass(frozen=True)
class Published:
    """A table as it is published, and where its files lie."""

    table: Table
    file: str | None
    """Below the folder of the newest run: the rows that hold now. None where only what changed is kept."""
    history: str | None = None
    """Below a run's folder: the rows that ended with it. All runs' together are the table's past."""
    for_analysts: bool = True
    past: Table | None = None
    """The columns of the rows that ended."""

    @property
    def name(self) -> str:
        """Of its view."""
        return self.table.name.lower()

    @property
    def identifying(self) -> tuple[str, ...]:
        """Columns that point at one person on their own, or may hold anything: never shown to analysts."""
        every = {column.name: column for each in (self.table, self.past) if each for column in each.columns}
        return tuple(n for n, c in every.items() if c.identifies in (Identifies.DIRECT, Identifies.FREE_TEXT))


_CHOICES = ("OPT_OUT", "OBJECTION", "TRACE")
"""Who objected, and what a tracing service answered, is used for nothing but what it was asked for."""


def _linked(table: Table) -> Published:
    name = table.name.lower()
    return _with_past(
        _added(table, *SINCE_COLUMNS, first=PERSON_COLUMNS, unique=("side",)),
        f"linked/{name}.parquet" if table is not DATA_QUALITY else f"{name}.parquet",
        analysts=table.name not in _CHOICES,
    )


def _with_past(table: Table, file: str, *, analysts: bool = True) -> Published:
    past = Table(f"{table.name}_HISTORY", table.grain, (*table.columns, *UNTIL_COLUMNS, _WHY))
    return Published(table, file, f"history/{table.name.lower()}.parquet", analysts, past)


def _added(table: Table, *columns: Column, first: tuple[Column, ...] = (), unique: tuple[str, ...] = ()) -> Table:
    key = (*table.key, *unique) if table.key else ()
    return Table(table.name, table.grain, (*first, *table.columns, *columns), key=key)


PUBLISHED: tuple[Published, ...] = (
    *(_linked(table) for table in SOURCE_TABLES if table is not SET_ASIDE),
    _with_past(_added(PERSON_KEY, *SINCE_COLUMNS), "linked/person_key.parquet"),
    _with_past(_added(LINK, *SINCE_COLUMNS), "links.parquet"),
    Published(CANDIDATE, "candidates.parquet", for_analysts=False),
    Published(LINK_CHANGE, None, "history/link_change.parquet"),
    Published(ENDED_KEY, "ended_keys.parquet"),
    Published(_added(SET_ASIDE, first=DELIVERY.columns[:1]), "set_aside.parquet"),
    Published(DELIVERY, "deliveries.parquet"),
    Published(DELIVERY_FILE, "delivery_files.parquet"),
    Published(RUN, "runs.parquet"),
)
"""Every table, in the order of the pages."""
