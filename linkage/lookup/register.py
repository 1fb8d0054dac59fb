"""The register in columns: what look-ups compare, find and count by, and how rows come and go.

Rows are numbered in the order they came. A row that is removed stays in its place, not alive, until `compacted`. People
are counted, not rows: of the rows with one NHS number the one with the lowest `tie` counts, as in
`linkage.frequencies`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from linkage.blocking import RULES, AnyOf
from linkage.lookup import columns
from linkage.lookup.columns import Array, Column, Lists
from linkage.lookup.keys import Counts, Keys
from linkage.lookup.record import Record
from linkage.lookup.texts import key_of, number_of, pack, unpack

NO_TEXT = -1
_PLAIN = ("nhs", "birth_year", "birth_month", "birth_day", "gender")
FIELDS: dict[str, type[np.generic]] = {
    "nhs": np.int64,
    "given": np.int32,
    "middle": np.int32,
    "family": np.int32,
    "street": np.int32,
    "town": np.int32,
    "nhs_entered": np.int32,
    "birth_year": np.int16,
    "birth_month": np.uint8,
    "birth_day": np.uint8,
    "gender": np.uint8,
    "unit": np.uint64,
    "house": np.uint64,
    "district": np.uint64,
    "tie": np.uint64,
    "origin": np.uint32,
    "alive": np.bool_,
    "counts": np.bool_,
}
"""Columns of one value a row. Texts that are looked at closely are codes, NO_TEXT where there is none; of all else 0
is not known. `unit` is packed, `house` and `district` are numbers for texts, `counts` says whether the row stands for
its person among the people counted."""
TEXTS = ("given", "middle", "family", "street", "town", "nhs_entered")
TEXT_LISTS = ("other_givens", "other_families")
"""Those whose values are codes of texts."""
LISTS: dict[str, type[np.generic]] = {
    "other_givens": np.int32,
    "other_families": np.int32,
    "other_units": np.uint64,
    "former_nhs": np.int64,
    "ids": np.uint64,
    "schemes": np.uint64,
    "record_id": np.uint8,
}
"""Columns of lists: names by their codes, units packed, identifiers hashed, and the record's id as UTF-8."""

PERSON, RECORD = "person", "record"
"""Keys beside those of the blocking rules: the NHS number, and the record's own source, organisation and id."""


def rule_keys(record: Record, place: int, parts: tuple[str | AnyOf, ...]) -> list[int]:
    """The keys of a record under the rule at `place` of RULES; empty where a part is not known."""
    several: list[list[Any]] = [[]]
    for part in parts:
        if isinstance(part, AnyOf):
            values = [getattr(record, part.usual) if part.usual else None, *getattr(record, part.others)]
        else:
            values = [getattr(record, part)]
        several = [[*key, value] for key in several for value in values if value is not None]
    return [key_of(place, *key) for key in several]


def _check_rules() -> None:
    """Every part of a key is a column of Record."""
    parts = [part for rule in RULES for side in (rule.client, rule.register_parts) for part in side]
    names = [name for part in parts for name in ((part.usual, part.others) if isinstance(part, AnyOf) else (part,))]
    if unknown := sorted({name for name in names if name and not hasattr(Record, name)}):
        raise ImportError(f"linkage.lookup has no form of these parts of a blocking key: {unknown}")


_check_rules()


COUNTED: dict[str, tuple[str, ...]] = {
    "given": ("given",),
    "family": ("family",),
    "birth_date": ("birth_year", "birth_month", "birth_day"),
    "year": ("birth_year", "has_date"),
    "unit": ("unit",),
    "cohort": ("gender", "decade"),
    "given_cohort": ("given", "gender", "decade"),
    "middle": ("middle",),
    "middle_known": ("gender", "decade", "has_middle"),
    "middle_cohort": ("middle", "gender", "decade"),
    "names": ("given", "family"),
    "house": ("unit", "house"),
}
"""What people are counted by, as in `linkage.frequencies`; `decade` is the year of birth // 10, plus 1,
`has_middle` 1 for whoever has a middle name, and `has_date` for whoever has a whole date of birth."""
AGREE = ("given", "middle", "family", "birth_date", "unit")
"""What is counted in pairs of people too: the chance that two agree."""


@dataclass
class People:
    """How many there are, how many of them have an NHS number; by column how many ordered pairs agree, and for how many
    people it is known."""

    people: int
    numbered: int
    same: dict[str, int]
    known: dict[str, int]


class Texts:
    """Every distinct text that comparisons look into, and its code."""

    def __init__(self, numbers: Array, held: Lists) -> None:
        """`numbers` ascending; the first texts have codes in that order, those added later the codes after them."""
        self.numbers, self.held = numbers, held
        self._added = {columns.text(held, code): code for code in range(len(numbers), len(held))}

    def code(self, text: str) -> int | None:
        """The code of a text, None where nobody has it."""
        number = number_of(text)
        place = int(np.searchsorted(self.numbers, np.uint64(number)))
        if place < len(self.numbers) and int(self.numbers[place]) == number:
            return place
        return self._added.get(text)

    def add(self, text: str) -> int:
        """The code of a text, which may be new."""
        code = self.code(text)
        if code is None:
            code = self._added[text] = len(self.held)
            self.held.append(np.frombuffer(text.encode(), np.uint8))
        return code

    def text(self, code: int) -> str:
        """The text behind a code."""
        return columns.text(self.held, code)

    def kept(self, used: Sequence[Array]) -> tuple[Texts, Array]:
        """Only the texts whose codes are in `used`; and for every old code the new one, with NO_TEXT at the end."""
        old = np.unique(np.concatenate(used))
        old = old[old != NO_TEXT]
        numbers = np.zeros(len(self.held), np.uint64)
        numbers[: len(self.numbers)] = self.numbers
        for text, code in self._added.items():
            numbers[code] = number_of(text)
        old = old[np.argsort(numbers[old], kind="stable")]
        new = np.full(len(self.held) + 1, NO_TEXT, np.int32)
        new[old] = np.arange(len(old), dtype=np.int32)
        return Texts(numbers[old], self.held.kept(old)), new


@dataclass(frozen=True, slots=True)
class Entry:
    """A register row as it is put in: its record, its own key, and `tie`, DuckDB's hash of that key."""

    record: Record
    source: str
    source_org: str
    record_id: str
    tie: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the row."""
        return self.source, self.source_org, self.record_id


@dataclass
class Register:
    """All of it. Not safe to change while another thread reads: whoever holds it has a lock."""

    fields: dict[str, Column]
    lists: dict[str, Lists]
    texts: Texts
    keys: Keys
    counts: Counts
    people: People
    origins: list[tuple[str, str]]
    """Source and organisation, by number."""
    _origin: dict[tuple[str, str], int] = field(init=False)

    def __post_init__(self) -> None:
        self._origin = {origin: number for number, origin in enumerate(self.origins)}

    def __len__(self) -> int:
        """Rows that are alive."""
        return int(np.count_nonzero(self.fields["alive"].values))

    def alive(self, rows: Array) -> Array:
        """Those of `rows` that were not removed."""
        return rows[self.fields["alive"].values[rows]]

    def rows_of(self, *key: str | int) -> Array:
        """The rows alive that have a key."""
        (rows,) = self.keys.rows_of([key_of(*key)])
        return self.alive(rows)

    def name_of(self, row: int) -> tuple[str, str, str]:
        """Source, organisation and id of a row."""
        source, organisation = self.origins[int(self.fields["origin"].values[row])]
        return source, organisation, columns.text(self.lists["record_id"], row)

    def find(self, key: tuple[str, str, str]) -> int | None:
        """The row of a source record, None where there is none."""
        return next((int(row) for row in self.rows_of(RECORD, *key) if self.name_of(int(row)) == key), None)

    def add(self, entry: Entry) -> None:
        """Put a row in, which must not be there yet."""
        row, record = len(self.fields["alive"]), entry.record
        values = {name: self._code(getattr(record, name)) for name in TEXTS}
        values |= {name: getattr(record, name) or 0 for name in _PLAIN}
        values |= {
            "unit": pack(record.unit) if record.unit else 0,
            "house": number_of(record.house) if record.house else 0,
            "district": number_of(record.district) if record.district else 0,
            "tie": entry.tie,
            "origin": self._number(entry.source, entry.source_org),
            "alive": True,
            "counts": False,
        }
        for name, column in self.fields.items():
            column.extend([values[name]])
        lists: dict[str, Iterable[int]] = {
            "other_givens": map(self._code, record.other_givens),
            "other_families": map(self._code, record.other_families),
            "other_units": map(pack, record.other_units),
            "former_nhs": record.former_nhs,
            "ids": record.ids,
            "schemes": record.schemes,
            "record_id": entry.record_id.encode(),
        }
        for name, column_of_lists in self.lists.items():
            column_of_lists.append(np.array(list(lists[name]), LISTS[name]))
        self.keys.add(_keys(entry), row)
        self._recount(row)

    def remove(self, row: int) -> None:
        """Take a row out."""
        self.fields["alive"].values[row] = False
        self._recount(row)

    def _code(self, text: str | None) -> int:
        return NO_TEXT if text is None else self.texts.add(text)

    def _number(self, source: str, organisation: str) -> int:
        origin = (source, organisation)
        if origin not in self._origin:
            self._origin[origin] = len(self.origins)
            self.origins.append(origin)
        return self._origin[origin]

    def _recount(self, row: int) -> None:
        """Let the right row stand for the person of `row`, which came or went."""
        alive, counts, tie = (self.fields[name].values for name in ("alive", "counts", "tie"))
        number = int(self.fields["nhs"].values[row])
        rows = {row, *(int(each) for each in self.rows_of(PERSON, number))} if number else {row}
        stands = min((each for each in rows if alive[each]), key=lambda each: int(tie[each]), default=None)
        for each in rows:
            if counts[each] != (each == stands):
                self._count(each, 1 if each == stands else -1)
                counts[each] = each == stands

    def _count(self, row: int, by: int) -> None:
        self.people.people += by
        self.people.numbered += by if self.fields["nhs"].values[row] else 0
        for what, key in self._counted(row).items():
            if what in AGREE:
                others = self.counts.of(key) - (by < 0)
                self.people.same[what] += 2 * by * others
                self.people.known[what] += by
            self.counts.change(key, by)

    def _counted(self, row: int) -> dict[str, int]:
        """The keys a row is counted under, by what is counted."""
        held: dict[str, Any] = {name: self.fields[name].values[row].item() for name in FIELDS}
        held |= {name: self._name(name, row) for name in ("given", "middle", "family")}
        held["unit"] = unpack(held["unit"])
        held["decade"] = held["birth_year"] // 10 + 1 if held["birth_year"] else 0
        held["has_middle"] = 1 if held["middle"] else 0
        held["has_date"] = 1 if held["birth_day"] else 0
        known = {name: value for name, value in held.items() if value and isinstance(value, str | int)}
        return {
            what: key_of(what, *(known[part] for part in parts))
            for what, parts in COUNTED.items()
            if known.keys() >= set(parts)
        }

    def _name(self, column: str, row: int) -> str | None:
        code = int(self.fields[column].values[row])
        return None if code == NO_TEXT else self.texts.text(code)

    def compacted(self) -> Register:
        """The same without the rows removed and what only they said, everything added in its place among the rest."""
        alive = self.fields["alive"].values
        rows = np.flatnonzero(alive)
        fields = {name: column.values[rows] for name, column in self.fields.items()}
        lists = {name: lists.kept(rows) for name, lists in self.lists.items()}
        texts, codes = self.texts.kept(
            [*(fields[name] for name in TEXTS), *(lists[name].arrays[0] for name in TEXT_LISTS)]
        )
        # A text that is not there has the code -1, the last of `codes`.
        fields |= {name: codes[fields[name]] for name in TEXTS}
        lists |= {name: Lists(codes[lists[name].arrays[0]], lists[name].arrays[1]) for name in TEXT_LISTS}
        return Register(
            fields={name: Column(values) for name, values in fields.items()},
            lists=lists,
            texts=texts,
            keys=self.keys.renumbered(np.where(alive, np.cumsum(alive) - 1, -1)),
            counts=self.counts.settled(),
            people=self.people,
            origins=self.origins,
        )


def _keys(entry: Entry) -> list[int]:
    """Every key a row is found by."""
    record = entry.record
    found = [key for place, rule in enumerate(RULES) for key in rule_keys(record, place, rule.register_parts)]
    if record.nhs is not None:
        found.append(key_of(PERSON, record.nhs))
    return [*found, key_of(RECORD, *entry.key)]
