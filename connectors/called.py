"""What messages call a column: its title, or only its place where what stands there may be somebody's value.

A line of titles may be none: the titles were cut off, or the first record stands on the same line, or a cell of it was
overwritten. What no reader knows as a title is repeated only where it can be nobody's name, number, date or address.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

_LONGEST = 60
"""Characters that a title may have; what is longer is a sentence, or no text."""

# Whole cells that are values, and those that are once in a while titles: X and Y, "2 week wait". In small letters.
_VALUE = re.compile(
    r"[-+=£(]*[0-9][-0-9 /.:,()+%e]*"  # a number, date, time or phone
    r"|\S+@\S+"
    r"|[a-z]{1,2}[0-9][a-z0-9]? *[0-9][a-z]{2}"  # a postcode
    r"|[0-9]{1,2}(?:st|nd|rd|th)?[ -][a-z]{3,9}[ -,]+[0-9]{2,4}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[ t].*"
)
_LIKELY = re.compile(
    r"(?:flat|unit|apartment|apt|room|no\.?)? *[0-9]+[a-z]?,? +[a-z' .]+"  # the first line of an address
    r"|[mfyn]|male|female|yes|no|true|false|null|mr|mrs|miss|ms|dr"
)
# What no title has inside it.
_WITHIN = re.compile(
    r"[0-9](?:[ ./:,-]?[0-9]){4,}"  # five digits: the end of a number, a date
    r"|(?<![0-9])(?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{4}(?![0-9])"  # four that are no year
    r"|@|\b[a-z]{1,2}[0-9][a-z0-9]? [0-9][a-z]{2}\b"
    r"|\b[0-9]{1,2}(?:st|nd|rd|th)?[ -]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
    r"|[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ufffd{}<>;|\"~\\]"
)
_WORD = re.compile(r"[^\W\d_]+")
# Words of titles that are names of people as well, and those that titles with a comma are made of.
_TITLES = frozenset(
    re.findall(
        r"\w+",
        """surname forename forenames name names first last family given middle full known as title preferred previous
        birth date of the and or in to from day month year number id code ref reference client person patient customer
        service user address line postcode town county city phone mobile email ward mark price bill lane west wood hill
        green white black street road house""",
    )
)

Known = Callable[[str], bool]


def called(titles: Sequence[str], is_known: Known = lambda title: False) -> list[str]:
    """What messages call each column of a line of titles: by its title, or "column 3"."""
    unknown = [title for title in titles if title and not is_known(title)]
    doubtful = are_values(unknown)
    return [
        _plain(title) if is_known(title) or not (doubtful or _may_be_a_value(title)) else f"column {place}"
        for place, title in enumerate(titles, start=1)
    ]


def are_values(cells: Sequence[str]) -> bool:
    """Whether cells that no reader knows as titles are a record, or hold a part of one.

    A number, date, postcode or the like is sure; a person's name, a letter or a house may be a title by chance, two are
    none.
    """
    plain = [_plain(cell).lower() for cell in cells]
    return (
        any(_VALUE.fullmatch(cell) for cell in plain)
        or sum(_is_name(cell) or bool(_LIKELY.fullmatch(cell)) for cell in plain) > 1
    )


def _may_be_a_value(title: str) -> bool:
    text = _plain(title).lower()
    if text.isalpha() and len(text) == 1:
        # A letter alone is nobody's.
        return False
    words = _WORD.findall(text)
    return (
        not words
        or len(text) > _LONGEST
        or _VALUE.fullmatch(text) is not None
        or _LIKELY.fullmatch(text) is not None
        or _WITHIN.search(title.lower()) is not None
        or _is_name(text)
        # "Surname, Forename" may be the title of what "Smith, John" stands under.
        or ("," in text and not _TITLES.issuperset(words))
    )


def _is_name(text: str) -> bool:
    """Whether every word is a name of people."""
    given, family = names()
    words = [word for word in _WORD.findall(text) if word not in ("mr", "mrs", "miss", "ms", "dr")]
    return bool(words) and all((word in given or word in family) and word not in _TITLES for word in words)


def _plain(title: str) -> str:
    """On one line, without space around it."""
    return " ".join(title.split())


@cache
def names() -> tuple[frozenset[str], frozenset[str]]:
    """Common given and family names, in small letters."""
    told = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
    return frozenset(told["given"].split()), frozenset(told["family"].split())
