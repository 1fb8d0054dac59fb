"""What registers of both practice systems need: whose rows, ids made from numbers, addresses in parts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic.draw import Synthetic
from caretrace.synthetic.files import flat, year_first

ORGANISATION, PATIENT = 1, 2
"""Kinds of thing that a GUID names; emis.py has two more."""

SEX = {"1": "M", "2": "F", "0": "U", "9": "I"}
TITLE = {"1": "Mr", "2": "Ms"}


def split(synthetic: Synthetic) -> tuple[pa.Array, pa.Array]:
    """The practices of an area with both suppliers: EMIS has three in five, SystmOne the others."""
    codes = pc.unique(synthetic.register["gp_practice_code"]).sort()
    at = np.arange(len(codes)) % 5
    return codes.filter(pa.array(np.isin(at, (0, 2, 4)))), codes.filter(pa.array(np.isin(at, (1, 3))))


def guids(ids: pa.Array, kind: int) -> pa.Array:
    """A GUID for each id by its digits, upper case in braces; the same digits and kind give the same GUID.

    The bits are splitmix64 (Steele, Lea and Flood 2014) of the digits: spread well, and made in columns.
    """
    digits = pc.replace_substring_regex(flat(ids), "[^0-9]", "")
    number = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False).astype(np.uint64)
    halves = np.stack([_mix(number + np.uint64(kind << 40)), _mix(number + np.uint64((kind + 100) << 40))], axis=1)
    nibbles = np.frombuffer(b"0123456789ABCDEF", np.uint8)
    octets = np.ascontiguousarray(halves.astype(">u8")).view(np.uint8).reshape(len(number), 16)
    text = np.full((len(number), 38), ord("-"), np.uint8)
    text[:, 0], text[:, 37] = ord("{"), ord("}")
    places = [place for place in range(1, 37) if place not in (9, 14, 19, 24)]
    text[:, places] = np.stack([nibbles[octets >> 4], nibbles[octets & 15]], axis=2).reshape(len(number), 32)
    return pc.cast(pa.array(np.ascontiguousarray(text).view("S38").reshape(-1)), pa.string())


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def rows_of(register: pa.Table, practices: pa.Array | None) -> pa.Table:
    """The rows at `practices`, all where None."""
    return register if practices is None else register.filter(pc.is_in(register["gp_practice_code"], practices))


def row_identifier(record_id: pa.Array) -> pa.Array:
    """SystmOne's ids are plain numbers."""
    return pc.utf8_ltrim(record_id, "R0")


def registered_on(as_at: date, rows: pa.Table) -> pa.Array:
    """A day of registration after birth, settled by the record's own id."""
    ids = pc.cast(row_identifier(flat(rows["record_id"])), pa.int64()).to_numpy().astype(np.uint64)
    today = (as_at - date(1970, 1, 1)).days
    days = today - (_mix(ids) % np.uint64(7300)).astype(np.int64)
    born = pc.cast(year_first(pc.fill_null(flat(rows["birth_date"]), "1900-01-01")), pa.date32())
    after_birth = np.maximum(days, pc.cast(born, pa.int32()).to_numpy().astype(np.int64))
    return pc.cast(pa.array(after_birth.astype("datetime64[D]")), pa.string())


def address(rows: pa.Table) -> tuple[pa.Array, pa.Array, pa.Array]:
    """House or flat, number and street, town: a flat has the first line to itself."""
    flat = rows["address_line_3"].is_valid()
    house = pc.if_else(flat, rows["address_line_1"], pa.scalar(None, pa.string()))
    street = pc.if_else(flat, rows["address_line_2"], rows["address_line_1"])
    return house, street, pc.if_else(flat, rows["address_line_3"], rows["address_line_2"])
