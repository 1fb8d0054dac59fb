"""A look-up index as one file: a header in JSON, then the arrays as they lie in memory.

    "caretrace look-up index\\n" | length of the header, 8 bytes | its SHA-256 | header | arrays at multiples of 64

The header names every array with its type, length and SHA-256, so a file that was altered or cut short is refused. The
hashes show damage; they are no signature. Nothing in the file is ever run.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from linkage.blocking import RULES
from linkage.lookup.columns import Array, Column, Lists
from linkage.lookup.keys import Counts, Keys
from linkage.lookup.register import AGREE, COUNTED, FIELDS, LISTS, People, Register, Texts
from linkage.lookup.texts import duckdb_hash
from linkage.model import Model
from schemas.errors import InputError, IntegrityFailure, SettingsError

FORMAT = 1
_MAGIC = b"caretrace look-up index\n"
_LONGEST_HEADER = 64 << 20
_ALIGNED = 64
_BLOCK = 16 << 20


@dataclass(frozen=True)
class Saved:
    """What a file holds."""

    register: Register
    model: Model
    settings: dict[str, Any]


def method(version: str) -> dict[str, Any]:
    """What the arrays depend on beside the register: another version may clean, block and hash in another way."""
    declared = repr((RULES, FIELDS, LISTS, COUNTED))
    return {
        "caretrace": version,
        "columns": hashlib.sha256(declared.encode()).hexdigest()[:16],
        "hash": duckdb_hash("one", "two", "three"),
    }


def save(path: Path, saved: Saved, *, version: str) -> None:
    """Write `path` whole or not at all, readable by its owner only; what was there is replaced."""
    arrays = _arrays(saved.register)
    facts = {
        "format": FORMAT,
        "method": method(version),
        "settings": saved.settings,
        "model": saved.model.to_json(),
        "people": asdict(saved.register.people),
        "origins": saved.register.origins,
        "arrays": [
            {"name": name, "type": array.dtype.str, "length": len(array), "sha256": _sha256(array)}
            for name, array in arrays.items()
        ],
    }
    header = json.dumps(facts, allow_nan=False).encode()
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    draft.unlink(missing_ok=True)
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + len(header).to_bytes(8, "little") + hashlib.sha256(header).digest() + header)
            for array in arrays.values():
                file.write(bytes(-file.tell() % _ALIGNED))
                file.write(array.data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot be written ({_reason(error)}); check the folder and its permissions", path=path
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def load(path: Path, *, version: str) -> Saved:
    """Read what `save` wrote.

    Raises InputError where the file is something else or cannot be read, IntegrityFailure where it was altered or cut
    short, SettingsError where another version of this toolkit made it.
    """
    try:
        with path.open("rb") as file:
            return _load(path, file, version)
    except OSError as error:
        raise InputError(f"cannot be read ({_reason(error)}); check the path and its permissions", path=path) from error


def _load(path: Path, file: BufferedReader, version: str) -> Saved:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise InputError("is not a look-up index; give a file that Matcher.save wrote", path=path)
    length, digest = int.from_bytes(file.read(8), "little"), file.read(32)
    header = file.read(length) if length <= _LONGEST_HEADER else b""
    if hashlib.sha256(header).digest() != digest:
        raise _altered(path)
    facts = json.loads(header)
    if (facts.get("format"), facts.get("method")) != (FORMAT, method(version)):
        raise SettingsError(
            f"{path}: was saved by another version of caretrace or DuckDB; build the Matcher from its register again"
        )
    arrays = {each["name"]: _read(path, file, each) for each in facts["arrays"]}
    if file.read(1):
        raise _altered(path)
    try:
        register = _register(arrays, facts)
        return Saved(register, Model.from_json(facts["model"]), facts["settings"])
    except (KeyError, TypeError, ValueError) as error:
        raise _altered(path) from error


def _altered(path: Path) -> IntegrityFailure:
    return IntegrityFailure(
        f"{path}: was altered or cut short since it was saved; build the Matcher from its register again"
    )


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else "unknown reason"


def _sha256(array: Array) -> str:
    return hashlib.sha256(array.data).hexdigest()


def _read(path: Path, file: BufferedReader, facts: dict[str, Any]) -> Array:
    if any(file.read(-file.tell() % _ALIGNED)):
        raise _altered(path)
    kind, left = np.dtype(facts["type"]), path.stat().st_size - file.tell()
    if kind.hasobject or not 0 <= facts["length"] * kind.itemsize <= left:
        raise _altered(path)
    array = np.empty(facts["length"], kind)
    file.readinto(array.data)
    if _sha256(array) != facts["sha256"]:
        raise _altered(path)
    return array


def _arrays(register: Register) -> dict[str, Array]:
    """Every array under its name; little-endian, as nearly every machine has them."""
    named = {f"field {name}": column.values for name, column in register.fields.items()}
    for name, lists in (*register.lists.items(), ("texts", register.texts.held)):
        named[f"values {name}"], named[f"ends {name}"] = lists.arrays
    named |= {
        "numbers of texts": register.texts.numbers,
        "keys": register.keys.keys,
        "rows of keys": register.keys.rows,
        "counted keys": register.counts.keys,
        "counts": register.counts.counts,
    }
    return {name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for name, array in named.items()}


def _register(arrays: dict[str, Array], facts: dict[str, Any]) -> Register:
    rows = len(arrays["field alive"])
    for name, kind in FIELDS.items():
        if len(arrays[f"field {name}"]) != rows or arrays[f"field {name}"].dtype != kind:
            raise ValueError(f"column {name}")
    lists = {}
    for name in (*LISTS, "texts"):
        values, ends = arrays[f"values {name}"], arrays[f"ends {name}"]
        if len(ends) != (rows if name in LISTS else len(ends)) or (int(ends[-1]) if len(ends) else 0) != len(values):
            raise ValueError(f"lists of {name}")
        lists[name] = Lists(values, ends)
    people = facts["people"]
    if any(people[part].keys() != set(AGREE) for part in ("same", "known")):
        raise ValueError("people")
    return Register(
        fields={name: Column(arrays[f"field {name}"]) for name in FIELDS},
        lists={name: lists[name] for name in LISTS},
        texts=Texts(arrays["numbers of texts"], lists["texts"]),
        keys=Keys(arrays["keys"], arrays["rows of keys"]),
        counts=Counts(arrays["counted keys"], arrays["counts"]),
        people=People(**people),
        origins=[(source, organisation) for source, organisation in facts["origins"]],
    )
