"""A mapping as it is written, checked name by name and laid over what it changes: no slip of the pen goes unseen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from connectors.supplier import HOLDERS
from connectors.suppliers.mapped.fields import KINDS
from connectors.suppliers.own_file import read_toml
from schemas.codes import ETHNIC_CATEGORY, GENDER
from schemas.dates import Form
from schemas.errors import SettingsError

_FOLDER = Path(__file__).parent.parent / "profiles"
GENERIC = "other"
"""What holds for every council system. It has no titles of its own, so it is never found by a header."""
PROFILES = (*sorted(path.stem for path in _FOLDER.glob("*.toml") if path.stem != GENERIC), GENERIC)

FORMS = {
    "dd/mm/yyyy": Form.UK,
    "dd-Mon-yy": Form.MONTH_NAME,
    "dd-Mon-yyyy": Form.MONTH_NAME,
    "yyyy-mm-dd": Form.ISO,
    "yyyymmdd": Form.BASIC,
}
_ENCODINGS = {"utf-8": "utf-8", "windows-1252": "cp1252"}
_ORDERS = ("given family", "family given")
_ADDRESS_TYPES = ("home", "temporary", "correspondence")
_NAME_TYPES = ("previous", "maiden", "known as")
_CODES = {"gender": GENDER, "ethnicity": ETHNIC_CATEGORY}
_DOCS = "docs/connectors/mapping.md"

Titles = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class LeaveOut:
    """People left out by a mark in their record, or in a file of marks."""

    field: str
    """A field of the person, or one of its own with `titles`."""
    titles: tuple[str, ...]
    words: tuple[str, ...]
    """The words that mark; none means anything but no."""
    because: str


@dataclass(frozen=True)
class Declared:
    """The columns of one kind of file."""

    columns: Titles
    required: tuple[str, ...]


@dataclass(frozen=True)
class Mapped:
    """A mapping with nothing left out: what a profile and a council's own mapping say together."""

    source: str
    standing: str
    held_by: str
    encodings: tuple[str, ...]
    forms: tuple[Form, ...]
    person_id_digits: int
    preamble: int
    full_name_order: str
    unknown: tuple[str, ...]
    name_flags: tuple[str, ...]
    nhs_number_types: tuple[str, ...]
    estimated_birth_date: str
    placeholder_births: tuple[date, ...]
    restricted_is_objection: bool
    address_types: Titles
    name_types: Titles
    words: Mapping[str, Mapping[str, str]]
    identifiers: Titles
    leave_out: tuple[LeaveOut, ...]
    kinds: Mapping[str, Declared]

    def reads(self, kind: str) -> bool:
        """Whether files of a kind can be recognised: every column that they must have has a title."""
        declared = self.kinds[kind]
        return bool(declared.required) and all(declared.columns.get(name) for name in declared.required)

    def has(self, kind: str, field: str) -> bool:
        """Whether a field has a title."""
        return bool(self.kinds[kind].columns.get(field))


def profile_of(mapping: Path) -> str:
    """Which shipped profile a mapping changes: what `profile` says, else `source`."""
    given = read_toml(mapping)
    profile = given.get("profile", given.get("source"))
    if profile not in PROFILES:
        raise SettingsError(
            f"{mapping}: source must be one of {', '.join(PROFILES)}, the profile that it changes; a system with"
            f' a name of its own needs profile = "{GENERIC}" beside it'
        )
    return str(profile)


def read_mapping(profile: str, mapping: Path | None = None) -> Mapped:
    """A shipped profile with a council's own mapping over it; SettingsError says what is wrong."""
    layers = [(_FOLDER / f"{name}.toml") for name in dict.fromkeys((GENERIC, profile))]
    merged: dict[str, Any] = {"kinds": {name: {} for name in KINDS}}
    for path in [*layers, *([mapping] if mapping else [])]:
        try:
            merged = _over(merged, read_toml(path), path)
            made = _mapped(merged, path)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise SettingsError(f"{path}: the mapping is not as {_DOCS} describes it ({error})") from error
    if mapping is None:
        return made
    return _with(made, standing=f"own mapping {mapping.name}, over the {profile} profile: {made.standing}")


def _with(made: Mapped, **changes: Any) -> Mapped:
    from dataclasses import replace

    return replace(made, **changes)


_TABLES = ("address_types", "name_types", "identifiers", "words", "leave_out")
_PLAIN = {
    *("source", "profile", "standing", "encodings", "dates", "preamble", "person_id_digits", "full_name_order"),
    *("unknown", "held_by"),
    *("name_flags", "nhs_number_types", "estimated_birth_date", "placeholder_births", "restricted_is_objection"),
}


def _over(below: Mapping[str, Any], own: Mapping[str, Any], where: Path) -> dict[str, Any]:
    """One layer over another. Tables are laid over entry by entry, everything else is taken whole."""
    _known(own, {*_PLAIN, *_TABLES, "columns", "kinds"}, "setting", where)
    _known(own.get("kinds", {}), set(KINDS), "kind of file", where)
    merged = {**below, **{name: value for name, value in own.items() if name in _PLAIN}}
    for name in _TABLES:
        merged[name] = {**below.get(name, {}), **own.get(name, {})}
    merged["words"] = {
        column: {**below.get("words", {}).get(column, {}), **codes} for column, codes in merged["words"].items()
    }
    # One that this layer takes away may still be required: the kind of file is then not looked for.
    marks = set(merged["leave_out"])
    common = own.get("columns", {})
    _known(common, {field for fields in KINDS.values() for field in fields}, "column", where)
    merged["kinds"] = {
        name: _kind_over(below["kinds"][name], own.get("kinds", {}).get(name, {}), common, name, marks, where)
        for name in KINDS
    }
    return merged


def _kind_over(
    below: Mapping[str, Any], own: Mapping[str, Any], common: Mapping[str, Any], name: str, marks: set[str], where: Path
) -> dict[str, Any]:
    allowed = {*KINDS[name], *(marks if name in ("person", "mark") else ())}
    _known(own, {"required", "columns"}, f"setting of kinds.{name}", where)
    _known(own.get("columns", {}), set(KINDS[name]), f"column of kinds.{name}", where)
    shared = {field: titles for field, titles in common.items() if field in KINDS[name]}
    required = own.get("required", below.get("required", []))
    _known(dict.fromkeys(required), allowed, f"required of kinds.{name}", where)
    return {"required": required, "columns": {**below.get("columns", {}), **shared, **own.get("columns", {})}}


def _known(given: Mapping[str, object], allowed: Iterable[str], what: str, where: Path) -> None:
    if unknown := sorted(set(given) - set(allowed)):
        raise SettingsError(f"{where}: unknown {what}: {', '.join(unknown)}; it is one of {', '.join(sorted(allowed))}")


def _mapped(merged: Mapping[str, Any], where: Path) -> Mapped:
    leave_out = tuple(_leave_out(name, told, where) for name, told in merged["leave_out"].items() if told)
    marks = {rule.field: rule.titles for rule in leave_out if rule.titles}
    kinds = {}
    for name, told in merged["kinds"].items():
        columns = {field: _titles(titles) for field, titles in told["columns"].items()}
        kinds[name] = Declared(columns | (marks if name in ("person", "mark") else {}), tuple(told["required"]))
    return Mapped(
        source=_source(merged["source"], where),
        standing=str(merged["standing"]),
        held_by=_one_of(merged["held_by"], dict.fromkeys(("", *HOLDERS)), "held_by", where, key=True),
        encodings=tuple(_one_of(name, _ENCODINGS, "encodings", where) for name in merged["encodings"]),
        forms=tuple(_one_of(name, FORMS, "dates", where) for name in merged["dates"]),
        person_id_digits=int(merged["person_id_digits"]),
        preamble=int(merged["preamble"]),
        full_name_order=_one_of(merged["full_name_order"], dict.fromkeys(_ORDERS), "full_name_order", where, key=True),
        unknown=_lowered(merged["unknown"]),
        name_flags=tuple(word.upper() for word in merged["name_flags"]),
        nhs_number_types=_lowered(merged["nhs_number_types"]),
        estimated_birth_date=_one_of(
            merged["estimated_birth_date"], dict.fromkeys(("Y", "YM", "YMD")), "estimated_birth_date", where, key=True
        ),
        placeholder_births=tuple(date.fromisoformat(str(day)) for day in merged["placeholder_births"]),
        restricted_is_objection=merged["restricted_is_objection"] is True,
        address_types=_typed(merged["address_types"], _ADDRESS_TYPES, "address_types", where),
        name_types=_typed(merged["name_types"], _NAME_TYPES, "name_types", where),
        words={column: _codes(column, merged["words"].get(column, {}), where) for column in _CODES},
        identifiers={scheme: _titles(titles) for scheme, titles in merged["identifiers"].items()},
        leave_out=leave_out,
        kinds=kinds,
    )


def _leave_out(name: str, told: Mapping[str, Any], where: Path) -> LeaveOut:
    _known(told, {"field", "titles", "words", "because"}, f"setting of leave_out.{name}", where)
    if "field" in told:
        _known({told["field"]: 0}, KINDS["person"], f"field of leave_out.{name}", where)
    elif not re.fullmatch("[a-z][a-z0-9_]*", name) or name in KINDS["person"]:
        raise SettingsError(f"{where}: leave_out.{name}: give it a name of small letters that is no field's")
    titles = () if "field" in told else _titles(told["titles"])
    return LeaveOut(told.get("field", name), titles, _lowered(told.get("words", [])), str(told["because"]))


def _source(name: Any, where: Path) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_ -]{0,39}", name):
        raise SettingsError(f"{where}: source must be a short name in small letters, such as the system's")
    return name


def _one_of(name: Any, allowed: Mapping[str, Any], what: str, where: Path, *, key: bool = False) -> Any:
    if name not in allowed:
        kind = {"dates": "a form of date", "encodings": "known"}.get(what, "allowed")
        raise SettingsError(f"{where}: {what}: {name!r} is not {kind}; it is one of {', '.join(allowed)}")
    return name if key else allowed[name]


def _typed(told: Mapping[str, Any], kinds: tuple[str, ...], what: str, where: Path) -> Titles:
    _known(told, kinds, what, where)
    return {kind: _lowered(words) for kind, words in told.items()}


def _codes(column: str, told: Mapping[str, Any], where: Path) -> Mapping[str, str]:
    for code in told.values():
        _one_of(code, _CODES[column], f"words.{column}", where, key=True)
    return {word.lower(): code for word, code in told.items()}


def _titles(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _lowered(words: Any) -> tuple[str, ...]:
    return tuple(word.lower() for word in ([words] if isinstance(words, str) else words))
