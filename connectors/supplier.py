"""How a supplier's extract is declared: its kinds of file, their columns, and what they fill.

Declarations are data, read by `connectors.standardise`. A new supplier is one file of them. Expressions are DuckDB SQL
over `r`, one raw record: every declared field is a text column of `r`, trimmed, null where empty or not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from connectors.files.layouts import Layout
from connectors.values import Value
from schemas.table import Table


@lru_cache(maxsize=10_000)
def plain(title: str) -> str:
    """A column title without capitals, spaces and punctuation: how titles are compared.

    >>> plain("Date of Birth") == plain("DATE_OF_BIRTH")
    True
    """
    return re.sub(r"[\W_]+", "", title.casefold())


HOLDERS = ("practice", "hospital", "tracing service")
"""Who may hold a supplier's records (`Supplier.held_by`)."""


class Repeats(Enum):
    """What several records of one file kind with the same key mean."""

    FIRST = "duplicate record_id: an earlier record has the same id"
    """Our own format: the first is used, and nothing says that the others are copies of it."""
    LATEST = "superseded: a later record has the same key"
    """A re-sent table: the last is used, whatever the earlier ones say; `Kind.newest` orders them."""
    FOLD = "another row of the same person"
    """A report with several rows a person: the first fills PERSON, all fill the tables that hang on it."""
    EVENTS = "-"
    """Each record stands for itself."""


@dataclass(frozen=True)
class Rule:
    """Records for which `when` holds are left out; `because` stands in SET_ASIDE and never holds a value."""

    because: str
    when: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fill:
    """One standard table filled from a kind of file; columns not named stay null."""

    table: Table
    columns: Mapping[str, Value]
    where: str = "TRUE"
    once: bool = False
    """Only the first record of each person (Repeats.FOLD)."""
    each: str | None = None
    """SQL of a list over `r`: a row for each of its elements, which `columns` and `where` call `item`."""

    def __post_init__(self) -> None:
        if unknown := [name for name in self.columns if name not in self.table]:
            raise TypeError(f"{self.table.name} has no columns {unknown}")


@dataclass(frozen=True)
class Lookup:
    """One record for each person found in other files, joined to `r` under the name `alias`.

    `kinds` are looked through together; `where` chooses among their records and `order` says which comes first.
    """

    alias: str
    kinds: tuple[str, ...]
    where: str
    order: str
    on: tuple[tuple[str, str], ...] = (("source_org", "r.source_org"), ("record_id", "r.record_id"))
    """Pairs: the column looked up by, and the expression of the record it must equal."""
    of_several: bool = False
    """Only looked for where there are several records to choose from (of a supplier's look-ups)."""
    raw: bool = False
    """Looked up before records have their key."""


@dataclass(frozen=True)
class Row:
    """What a record is known by from one delivery of a feed to the next, in fields of the file."""

    key: tuple[str, ...]
    organisation: str | None = None
    """Field that says whose record it is. A full delivery speaks for the organisations it has records of."""
    removed: str = "false"
    """SQL over `r`: the record only says that it is gone; one that names no organisation is gone for all of them."""
    because: str = "removed by another record"
    """What SET_ASIDE says of a record that such a one takes with it."""
    person: str | None = None
    """Field of the person the record hangs on: the person's removal takes it with it, though nothing says so."""


@dataclass(frozen=True)
class Hold:
    """The latest record of a key for which `when` holds keeps the whole reading back."""

    because: str
    """The sentence; `{organisations}` stands for what `organisation`, SQL over `r`, gives."""
    when: str
    organisation: str


@dataclass(frozen=True)
class Kind:
    """One kind of file of a supplier, recognised by the columns it must have, or by how its text begins.

    What `columns` means depends on the layout: titles of a header; for LINES `text` and nothing else (`positions` are
    columns without being named there); for MESSAGES the segments and fields (PID-5) wanted; for RESOURCES
    `resource_type` and `json`.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    """Field to the titles it may have, the likeliest first."""
    required: tuple[str, ...]
    fills: tuple[Fill, ...] = ()
    record_id: str = "NULL"
    source_org: str = "r.source_org_default"
    source: str | None = None
    key_columns: tuple[str, ...] = ()
    """Fields without which a record is nobody's; such records are rejected."""
    any_of: tuple[str, ...] = ()
    """Fields of which the file must have at least one to be of use."""
    file_name: str | None = None
    """Recognised by the file's name (without its ending) as well as its columns."""
    organisations: tuple[Lookup, ...] = ()
    """Look-ups that `record_id` and `source_org` need."""
    repeats: Repeats = Repeats.EVENTS
    repeat_key: tuple[str, ...] = ("source", "source_org", "record_id")
    newest: str = "NULL"
    keep_repeats: str = "FALSE"
    """Of a repeated person's further rows, those that are used all the same (Repeats.FOLD)."""
    alike: Mapping[str, str] = field(default_factory=dict)
    """Column of PERSON to SQL over `r` that a person's further rows must not contradict (Repeats.FOLD).

    The first row is believed all the same; where another says otherwise, or says what the first does not, DATA_QUALITY
    says so: two people may share the id.
    """
    exclude: tuple[Rule, ...] = ()
    prepare: str | None = None
    """SQL over the raw records, where what one means hangs on the others (messages in time, episodes of a spell).

    It reads `standing_<kind>` (`raw_<kind>` without what a later delivery has overtaken), gives each one's `file`,
    `record` and `line` with all that becomes a column of `r`, and stands for the raw records from there on. A record
    that fills nothing stands in it once, for a rule to find.
    """
    steps: Mapping[str, str] = field(default_factory=dict)
    """SQL of what `prepare` is made of, by name: tables `<name>_<kind>`, made in this order.

    Each is dropped behind the last that names it. `prepare` is a view then, for nothing dear is left to it.
    """
    following: Mapping[str, str] = field(default_factory=dict)
    """Fields without a title of their own, by the title of the column before them."""
    taken: str | None = None
    """SQL over `incoming` (file, record, line and the layout's fields): what is kept of records as they are loaded.

    Its columns are those of the raw records then; its `rule` says of a record why it is rejected. For texts that are
    many times as long as what is used of them, and are better parsed once; `prepare` is a view then, for nothing dear
    is left to it.
    """
    derived: Mapping[str, str] = field(default_factory=dict)
    """Further columns of `r` made from its look-ups, by name."""
    refuse: tuple[Rule, ...] = ()
    """Rules of which one record is enough to refuse the whole extract."""
    hold: Hold | None = None
    """For kinds with a `row`: what keeps the reading back until it is settled."""
    row: Row | None = None
    """Where the supplier sends deliveries of changes (connectors/feed)."""
    wanted: str | None = None
    """SQL over `r`: the records worth loading, where most are not; the others are counted as excluded, not listed.

    Such files are read after the others, in the order of their deliveries, and it may look into the `raw_<kind>` of
    those and into its own `loaded_<kind>`, where what was wanted before stands.
    """
    needs: tuple[str, ...] = ()
    """Kinds without which this one cannot be understood; where it has records and they are missing, nothing is read."""
    gone: str | None = None
    """SQL over `r`: the record says that its person (or event, see `gone_part`) is no longer there.

    Where a delivery holds changes there is no other way to say so; such records are excluded by a rule besides.
    """
    gone_field: str | None = None
    """The field by which `gone` is said. Changes of nothing else need none of `any_of` (connectors/departures.py)."""
    gone_part: str = "NULL"
    """SQL over `r` of the one event that is gone, as `TABLE event_id`; null where the whole person is."""
    dependant: bool = False
    """Its records hang on a record of the person file, and are left out where that is."""
    versions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Versions by titles that only they have, tried in order."""
    layout: Layout = Layout.DELIMITED
    recognised: re.Pattern[bytes] | None = None
    """Searched in the first 4 KB of a text (as UTF-8, without a mark), where there is no header to go by."""
    positions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Layout.LINES: field to where it begins (1-based) and how long it is, in characters."""
    rows: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Layout.LINES, values parted by commas: how many there may be in a line, and which field is which, from 1.

    The fields of a line with quotation marks, or another number of values, are null, and its `plain` is null: what it
    says hangs on the lines around it (connectors/commas.py).
    """
    fixed: re.Pattern[bytes] | None = None
    """Of a kind with positions and rows: a file whose first line fits it has the positions, any other the rows."""
    headerless: tuple[str, ...] = ()
    """Layout.DELIMITED, with `recognised`: the titles, in order, of a file that has no header."""
    preamble: int = 0
    """How many lines that are not blank may stand above the header."""
    _fields: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if (self.recognised is None) != (self.layout is Layout.DELIMITED and not self.headerless):
            raise TypeError(f"{self.name}: without a header a file is told by `recognised`, and only then")
        cut = [
            *self.positions,
            *(name for fields in self.rows.values() for name in fields),
            *["plain"] * bool(self.rows),
        ]
        object.__setattr__(self, "columns", {**self.columns, **{name: (name,) for name in cut}})
        for name, titles in self.columns.items():
            for title in titles:
                self._fields.setdefault(plain(title), name)
        if unknown := [name for name in self.required if name not in self.columns]:
            raise TypeError(f"{self.name}: required fields that are not columns: {unknown}")

    def match(self, header: tuple[str, ...]) -> dict[str, int]:
        """Field to position in the header. Of several titles for one field the likeliest counts."""
        positions = {plain(title): at for at, title in reversed(list(enumerate(header)))}
        found = {}
        for name, titles in self.columns.items():
            at = next((positions[plain(title)] for title in titles if plain(title) in positions), None)
            if at is not None:
                found[name] = at
        for name, title in self.following.items():
            if (before := positions.get(plain(title))) is not None and before + 1 < len(header):
                found[name] = before + 1
        return found

    def uses(self, title: str) -> bool:
        """Whether a column of that title is read, or says where one is that is."""
        return plain(title) in self._fields or plain(title) in map(plain, self.following.values())

    def title(self, name: str) -> str:
        """The likeliest title of a field."""
        return self.columns[name][0] if self.columns.get(name) else name

    def missing(self, header: tuple[str, ...]) -> tuple[str, ...]:
        """Likeliest titles of the required fields that the header lacks."""
        found = self.match(header)
        return tuple(self.title(name) for name in self.required if name not in found)

    def version(self, header: tuple[str, ...]) -> str | None:
        """Which version of the layout the header shows."""
        titles = {plain(title) for title in header}
        return next((name for name, marks in self.versions if all(plain(m) in titles for m in marks)), None)


@dataclass(frozen=True)
class Supplier:
    """One supplier's format."""

    name: str
    kinds: tuple[Kind, ...]
    """In the order in which a header is held against them."""
    encodings: tuple[str, ...] = ("utf-8", "cp1252")
    lookups: tuple[Lookup, ...] = ()
    """Joined to every record of the person file before the tables are filled."""
    manifest: str | None = None
    """Kind that lists what is delivered: FileName, IsDelta, DateExtractFrom, DateExtractTo (connectors/feed)."""
    deliveries: re.Pattern[str] | None = None
    """Where names of files tell deliveries: groups `feed`, `at` (sorts), `first` and `last` (numbers), `full`."""
    gaps_hold: bool = True
    """Whether a delivery that does not begin where the one before ended is held, or only said."""
    named_in: tuple[str, str, str] | None = None
    """Kind, key and name: where the organisations of rows have names by which others know them."""
    held_by: str = ""
    """Who of HOLDERS has the records and can mend them; empty: the side decides."""
    note: str | None = None
    """What a reader of the report should know of the layout: that it is assumed, and where it comes from."""
    exact_titles: bool = False
    """Required titles are held to the letter, capitals or not: a council's own "Record ID" is not our record_id."""

    def kind(self, name: str) -> Kind:
        """The kind of that name."""
        return next(kind for kind in self.kinds if kind.name == name)

    def fits(self, kind: Kind, titles: tuple[str, ...]) -> bool:
        """Whether a file with these titles is of that kind of this supplier's."""
        if self.exact_titles and not set(kind.required) <= {title.casefold() for title in titles}:
            return False
        return not kind.missing(titles)

    def organisation_name(self, x: str) -> str:
        """SQL of what others call the organisation that rows call `x`."""
        if self.named_in is None:
            return x
        kind, key, name = self.named_in
        return f'coalesce((SELECT max(o."{name}") FROM raw_{kind} o WHERE o."{key}" = {x}), {x})'

    @property
    def people(self) -> tuple[Kind, ...]:
        """The kinds that fill PERSON, or all that fill anything where the supplier knows of no people."""
        filling = tuple(kind for kind in self.kinds if kind.fills)
        return tuple(k for k in filling if any(fill.table.name == "PERSON" for fill in k.fills)) or filling

    @property
    def person(self) -> Kind:
        """The first kind that fills PERSON."""
        return self.people[0]
