"""Slips of the pen and the keyboard, applied to whole columns: a mask says which records, the generator says how.

Each slip draws from a stream of its own: how many records slip must not move what is drawn after them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic import namelists as lists

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

# QWERTY neighbours of each letter; a digit's are the digits beside it.
_NEIGHBOURS = (
    "aqwsz bvghn cxdfv dserfcx ewsdr fdrtgvc gftyhbv hgyujnb iujko jhuikmn kjiolm lkop mnjk nbhjm oiklp pol qwa "
    "redft sawedxz trfgy uyhji vcfgb wqase xzsdc ytghu zasx 1223 2113 3224 4335 5446 6557 7668 8779 9880 0998"
)


def apply(column: pa.Array, mask: Flags, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """`column` with `change` made where `mask` is true and a value stands."""
    at = np.flatnonzero(mask & np.asarray(column.is_valid()))
    chosen = np.zeros(len(column), np.bool_)
    chosen[at] = True
    changed = change(column.take(pa.array(at))).cast(pa.string())
    return pc.replace_with_mask(column, pa.array(chosen), changed)


def blank(column: pa.Array, mask: Flags) -> pa.Array:
    """`column` with nothing where `mask` is true."""
    return pc.if_else(pa.array(mask), pa.scalar(None, pa.string()), column)


def typed(rng: np.random.Generator) -> Callable[[pa.Array], pa.Array]:
    """A neighbouring key, a dropped, a doubled, or two exchanged letters, anywhere but on the first letter."""
    own = rng.spawn(1)[0]

    def change(texts: pa.Array) -> pa.Array:
        if not len(texts):
            return texts
        letters, length = _matrix(texts)
        width = letters.shape[1]
        place = np.where(length > 1, 1 + (own.random(len(length)) * np.maximum(length - 1, 1)).astype(np.int64), 0)
        kind = own.integers(0, 4, len(length))
        at = np.arange(width)[None, :]
        p = place[:, None]
        source = np.broadcast_to(at, letters.shape).copy()
        source += ((kind == 1)[:, None] & (at >= p)).astype(np.int64)
        source -= ((kind == 2)[:, None] & (at > p)).astype(np.int64)
        can_swap = ((kind == 3) & (place + 1 < length))[:, None]
        source += (can_swap & (at == p)).astype(np.int64) - (can_swap & (at == p + 1)).astype(np.int64)
        result = np.take_along_axis(letters, np.minimum(source, width - 1), axis=1)
        slipped = np.flatnonzero((kind == 0) | ((kind == 3) & ~can_swap[:, 0]))
        result[slipped, place[slipped]] = _neighbour(own, result[slipped, place[slipped]])
        return _texts(result)

    return change


def digit(rng: np.random.Generator) -> Callable[[pa.Array], pa.Array]:
    """One digit of a number, wherever it stands, becomes another."""
    own = rng.spawn(1)[0]

    def change(texts: pa.Array) -> pa.Array:
        if not len(texts):
            return texts
        letters, length = _matrix(texts)
        row, place = np.arange(len(length)), (own.random(len(length)) * length).astype(np.int64)
        zero = ord("0")
        letters[row, place] = zero + (letters[row, place] - zero + own.integers(1, 10, len(row))) % 10
        return _texts(letters)

    return change


def mapped(rng: np.random.Generator, forms: Mapping[str, Sequence[str]]) -> Callable[[pa.Array], pa.Array]:
    """Another form of a text that has some; other texts stay."""
    own = rng.spawn(1)[0]

    def change(texts: pa.Array) -> pa.Array:
        codes, distinct = _encoded(texts)
        choice = own.integers(0, 60, len(texts))
        known = [forms.get(text, (text,)) for text in distinct]
        table = pa.array([options[k % len(options)] for options in known for k in range(60)], pa.string())
        return table.take(pa.array(codes * 60 + choice))

    return change


def plain(texts: pa.Array) -> pa.Array:
    """Without apostrophes, hyphens and accents."""
    codes, distinct = _encoded(texts)
    return pa.array([_plain(text) for text in distinct], pa.string()).take(pa.array(codes))


def noisy(rng: np.random.Generator, before: Sequence[str], after: Sequence[str]) -> Callable[[pa.Array], pa.Array]:
    """With a remark before or after."""
    own = rng.spawn(1)[0]

    def change(texts: pa.Array) -> pa.Array:
        first, last = ["", *before], ["", *after]
        pick = own.integers(1, len(first) + len(last) - 1, len(texts))
        head = pa.array(first).take(pa.array(np.where(pick < len(first), pick, 0)))
        tail = pa.array(last).take(pa.array(np.where(pick < len(first), 0, pick - len(first) + 1)))
        return pc.binary_join_element_wise(head, texts, tail, "")

    return change


@cache
def nicknames() -> dict[str, tuple[str, ...]]:
    """Everyday forms by full name."""
    return {name: tuple(forms.split(",")) for name, _, forms in (p.partition(":") for p in lists.NICKNAMES.split())}


@cache
def spellings() -> dict[str, tuple[str, ...]]:
    """Other spellings by name."""
    groups = [group.split() for group in lists.SPELLINGS.split("|")]
    return {name: tuple(n for n in group if n != name) for group in groups for name in group}


def _plain(text: str) -> str:
    kept = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return kept.replace("'", "").replace("-", " ").replace("ł", "l").replace("Ł", "L")


def _encoded(texts: pa.Array) -> tuple[Integers, list[str]]:
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    encoded = pc.dictionary_encode(texts, null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def _matrix(texts: pa.Array) -> tuple[Any, Integers]:
    """One row of code points a text, with room for a letter more, and the lengths."""
    strings = np.asarray(texts.to_numpy(zero_copy_only=False), dtype=np.str_)
    length = np.char.str_len(strings).astype(np.int64)
    width = int(length.max()) + 2
    return np.ascontiguousarray(strings.astype(f"U{width}")).view(np.uint32).reshape(len(strings), width).copy(), length


def _texts(letters: Any) -> pa.Array:
    strings = np.ascontiguousarray(letters, np.uint32).view(f"U{letters.shape[1]}").reshape(-1)
    return pa.array(strings, pa.string())


def _neighbour(rng: np.random.Generator, letters: Any) -> Any:
    """A key beside each letter or digit, in its own case; other characters stay."""
    table = np.arange(0x10000, dtype=np.uint32)[:, None].repeat(6, axis=1)
    for keys in _NEIGHBOURS.split():
        for form in (keys, keys.upper()):
            beside = form[1:]
            table[ord(form[0])] = [ord(beside[k % len(beside)]) for k in range(6)]
    return table[np.minimum(letters, 0xFFFF), rng.integers(0, 6, len(letters))]
