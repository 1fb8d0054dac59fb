"""Names one at a time: `linkage.names` in Python, for one client in microseconds instead of a query.

The two forms are held equal by a property test.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from linkage import names as columns

_APOSTROPHES = re.compile(f"[{columns._APOSTROPHES}]")
_NO_LETTERS = re.compile("[^A-Z]+")
_NOISE = re.compile(columns._words(columns.NOISE))
_TITLES = re.compile(columns._words(columns.TITLES))
_LETTERS = str.maketrans(columns._FOLD_FROM, columns._FOLD_TO)
_PARTICLES = frozenset(columns.PARTICLES)


@dataclass(frozen=True, slots=True)
class NameValue:
    """One raw name, cleaned: the columns of table `name_value`, a list of nothing being empty."""

    tokens: tuple[str, ...] = ()
    """All its words."""

    @property
    def first(self) -> str | None:
        """Its first word."""
        return self.tokens[0] if self.tokens else None

    @property
    def second(self) -> str | None:
        """Its second word."""
        return self.tokens[1] if len(self.tokens) > 1 else None

    @property
    def joined(self) -> str | None:
        """All its words without spaces."""
        return "".join(self.tokens) or None

    @property
    def words(self) -> tuple[str, ...]:
        """All its words longer than an initial, and their roots, in alphabetical order."""
        return _with_roots(self.tokens)

    @property
    def rest(self) -> tuple[str, ...]:
        """The same without the first word."""
        return _with_roots(self.tokens[1:])

    @property
    def parts(self) -> tuple[str, ...]:
        """The words of a family name of several, without particles."""
        if len(self.tokens) < 2:
            return ()
        return tuple(word for word in self.tokens if len(word) > 2 and word not in _PARTICLES)


def _with_roots(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({form for word in tokens if len(word) > 1 for form in (word, root(word))}))


def name_value(raw: str | None) -> NameValue:
    """Clean one name as held."""
    if raw is None:
        return NameValue()
    text = _NOISE.sub(" ", fold(raw)).strip(" ")
    bare = _TITLES.sub(" ", text).strip(" ")
    return NameValue(tuple(word for word in (bare or text).split(" ") if word))


def fold(raw: str) -> str:
    """Capitals A to Z and spaces: accents off, apostrophes closed up, all else a space."""
    if raw.isascii():
        text = raw.upper()
    else:
        letters = (c for c in unicodedata.normalize("NFD", raw) if not unicodedata.category(c).startswith("M"))
        text = "".join(map(upper, letters)).translate(_LETTERS)
        for letter, several in columns._FOLD_PAIRS:
            text = text.replace(letter, several)
    return _NO_LETTERS.sub(" ", _APOSTROPHES.sub("", text))


def upper(letter: str) -> str:
    """The one capital of a letter; a letter whose capital is several stays, as it does in DuckDB."""
    capital = letter.upper()
    return capital if len(capital) == 1 else letter


def sound(text: str) -> str:
    """Soundex."""
    import jellyfish

    return jellyfish.soundex(text)


@cache
def _forms() -> columns._Forms:
    return columns._Forms()


@cache
def _root_of_listed(text: str) -> str:
    return _forms().root(text)


def root(text: str) -> str:
    """The formal name behind a form of it, or the name itself."""
    return _root_of_listed(text) if text in _forms().listed else text


def are_nicknames(a: str, b: str) -> bool:
    """Whether table `nickname` holds the two."""
    forms = _forms()
    if a == b or (a not in forms.listed and b not in forms.listed):
        return False
    return b in forms.formal.get(a, ()) or a in forms.formal.get(b, ()) or root(a) == root(b)
