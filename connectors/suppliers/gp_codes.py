"""Coded entries of GP records that say something here: opt-outs, refusals, a social services number.

The list is `codes/gp.toml`, every row with its standing; a council's own file changes it row by row. Whatever is not on
the list says nothing and is only counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connectors.supplier import Fill, Rule
from connectors.suppliers.own_file import read_toml
from connectors.values import Value, listed, quoted, text
from schemas import IDENTIFIER, OBJECTION, OPT_OUT
from schemas.errors import SettingsError

SYSTEMS = ("read2", "ctv3", "snomed")
STANDINGS = ("verified", "seen in code", "assumed")
NOTHING = "nothing"
FORMATS = ("emis", "systmone")
"""The formats whose code list can be changed."""
_EFFECTS = {"scheme", "opted_out", "objects_to", "identifies", "left_out"}
_SHIPPED = Path(__file__).parent / "codes" / "gp.toml"


@dataclass(frozen=True)
class Codes:
    """What each code says, by system, and what becomes of whatever is said."""

    says: Mapping[str, Mapping[str, Any]]
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """System to code to one of `says`."""

    def sql(self, **columns: str) -> str:
        """SQL of what a record says, from its columns by system; null where its codes are not on the list."""
        return f"coalesce({', '.join(self._map(system, column) for system, column in columns.items())}, NULL)"

    def _map(self, system: str, column: str) -> str:
        pairs = ", ".join(f"{quoted(code)}: {quoted(said)}" for code, said in self.codes[system].items())
        return f"MAP {{{pairs}}}[{_bare(column) if system == 'read2' else column}]" if pairs else "NULL"

    def left_out(self, columns: tuple[str, ...]) -> tuple[Rule, ...]:
        """Rules for entries that are on the list only to be left out; `r.says` is what they say."""
        return tuple(
            Rule(effect["left_out"], f"r.says = {quoted(said)}", columns)
            for said, effect in self.says.items()
            if "left_out" in effect
        )

    def fills(self, *, day: Value, number: str, latest: str | None = None) -> tuple[Fill, ...]:
        """OPT_OUT, OBJECTION and IDENTIFIER from records that say so; `number` is SQL of a number given with a code.

        `latest` is SQL of the last day it may have been. A refusal counts from then and what takes it back from `day`,
        the first, so that of two in one year it is the refusal that stands.
        """
        opt_outs = self._with("scheme")
        agreed = f"r.says IN ({self._where(opted_out=False)})"
        chosen = replace(day, parsed=f"CASE WHEN {agreed} THEN {day.parsed} ELSE {latest or day.parsed} END")
        return (
            Fill(
                OPT_OUT,
                {
                    "scheme": self._value("scheme"),
                    "opted_out": Value(f"r.says IN ({self._where(opted_out=True)})"),
                    "from_date": chosen if latest else day,
                },
                where=f"r.says IN ({listed(opt_outs)})",
            ),
            Fill(
                OBJECTION,
                {"purpose": self._value("objects_to"), "upheld": Value("true"), "from_date": day.quietly()},
                where=f"r.says IN ({listed(self._with('objects_to'))})",
            ),
            Fill(
                IDENTIFIER,
                {"scheme": self._value("identifies"), "value": text(number), "from_date": day.quietly()},
                where=f"{self.identifying} AND {number} IS NOT NULL",
            ),
        )

    @property
    def identifying(self) -> str:
        """SQL that holds for an entry which gives a number of the person."""
        return f"r.says IN ({listed(self._with('identifies'))})"

    def numberless(self, number: str, columns: tuple[str, ...]) -> Rule:
        """An entry that says a number follows, with none."""
        return Rule("a code for a number, and no number with it", f"{self.identifying} AND {number} IS NULL", columns)

    def _with(self, effect: str) -> list[str]:
        return [said for said, effects in self.says.items() if effect in effects]

    def _where(self, *, opted_out: bool) -> str:
        return listed(said for said, effects in self.says.items() if effects.get("opted_out") is opted_out)

    def _value(self, effect: str) -> Value:
        pairs = ", ".join(f"{quoted(said)}: {quoted(self.says[said][effect])}" for said in self._with(effect))
        return Value(f"MAP {{{pairs}}}[r.says]")


def _bare(column: str) -> str:
    """A Read v2 code without what pads it: "9Nu0." and "9Nu0.00" are 9Nu0, and "9Nu0-1" its first synonym.

    The term code (the last two of seven characters) says which word was chosen, not what is meant.
    """
    return f"regexp_replace(regexp_replace(split_part({column}, '-', 1), '^(.{{5}})..$', '\\1'), '\\.+$', '')"


def load(own: Path | None = None, name: str | None = None) -> Codes:
    """The shipped list, changed by a council's own file for the format `name`; SettingsError says what is wrong."""
    shipped = _parse(read_toml(_SHIPPED), _SHIPPED, {})
    if own is None:
        return shipped
    data = read_toml(own)
    if data.get("source", name) != name:
        raise SettingsError(f"{own}: source = {data['source']!r}, and this is read as {name}; give each its own file")
    return _parse(data, own, shipped.says, shipped.codes)


def changes(own: Path) -> str | None:
    """Which format a council's own code list is for: what its `source` says; None where it is another's mapping."""
    source = read_toml(own).get("source")
    return source if isinstance(source, str) and source in FORMATS else None


def _parse(
    data: dict[str, Any],
    where: Path,
    says: Mapping[str, Mapping[str, Any]],
    codes: Mapping[str, Mapping[str, str]] | None = None,
) -> Codes:
    if unknown := sorted(set(data) - {"source", "says", "code"}):
        raise SettingsError(f"{where}: unknown setting: {', '.join(unknown)}; it is one of source, says, code")
    said = {**says, **_table(data.get("says", {}), where)}
    found = {system: dict((codes or {}).get(system, {})) for system in SYSTEMS}
    rows = data.get("code", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SettingsError(f"{where}: code must be rows, each under [[code]]")
    for number, row in enumerate(rows, start=1):
        system, code, meaning = _row(row, said, f"{where}, code {number}")
        found[system].pop(code, None)
        if meaning != NOTHING:
            found[system][code] = meaning
    return Codes(said, found)


def _table(says: object, where: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(says, dict):
        raise SettingsError(f"{where}: says must be a table")
    for name, effects in says.items():
        if not isinstance(effects, dict) or not effects or set(effects) - _EFFECTS:
            raise SettingsError(f"{where}: says.{name} is made of {', '.join(sorted(_EFFECTS))}")
        if ("scheme" in effects) != isinstance(effects.get("opted_out"), bool):
            raise SettingsError(f"{where}: says.{name}: scheme and opted_out (true or false) go together")
    return says


def _row(row: Mapping[str, Any], says: Mapping[str, object], where: str) -> tuple[str, str, str]:
    systems = [system for system in SYSTEMS if isinstance(row.get(system), str)]
    if len(systems) != 1 or set(row) - {*SYSTEMS, "says", "standing", "source"}:
        raise SettingsError(f"{where}: a row is one of {', '.join(SYSTEMS)}, with says, standing and source")
    if row.get("standing") not in STANDINGS:
        raise SettingsError(f"{where}: standing is one of {', '.join(STANDINGS)}")
    meaning = row.get("says")
    if meaning != NOTHING and meaning not in says:
        raise SettingsError(f"{where}: says is one of {', '.join([*says, NOTHING])}")
    system, code = systems[0], str(row[systems[0]])
    if system == "snomed" and not verhoeff(code):
        raise SettingsError(f"{where}: the SNOMED id fails its check digit; it was cut or rounded on the way here")
    return system, code.rstrip(".") if system == "read2" else code, str(meaning)


_TIMES = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_PLACES = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def verhoeff(number: str) -> bool:
    """Whether the last digit is the check digit of the others (Verhoeff's scheme, as SNOMED CT ids have it).

    >>> verhoeff("416409005"), verhoeff("416409006")
    (True, False)
    """
    if not re.fullmatch("[0-9]{6,18}", number):
        return False
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = int(_TIMES[check][int(_PLACES[place % 8][int(digit)])])
    return check == 0


def rounded(x: str) -> str:
    """SQL: a SNOMED id that a spreadsheet has rounded to 15 digits, so that its code is another's or nobody's.

    Longer ids that end in noughts are few, and each ends in its own check digit: only those are worked out.
    """
    times, places = ("[" + ", ".join(f"'{row}'" for row in table) + "]" for table in (_TIMES, _PLACES))
    digit = f"CAST({places}[place % 8 + 1][CAST({x}[-1 - place] AS INTEGER) + 1] AS INTEGER)"
    step = f"CAST({times}[so_far + 1][{digit} + 1] AS INTEGER)"
    check = f"list_reduce(CAST(range(length({x})) AS INTEGER[]), lambda so_far, place: {step}, 0)"
    return f"CASE WHEN regexp_full_match({x}, '[0-9]{{15}}0+') THEN {check} <> 0 ELSE false END"
