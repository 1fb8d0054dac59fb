"""HL7 version 2 text as columns: own delimiters and escapes become one notation, and fields are reached by name.

A message says in MSH-1 and MSH-2 which characters part its fields, repetitions, components and subcomponents; nearly
always they are the usual ones. Where they are not, or where something is escaped, the text is written anew with the
usual delimiters, and a character of a value that looks like one becomes a control character until the value is taken
out (`said`). Everything is SQL over whole columns. HL7 version 2.5, chapter 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas.errors import SettingsError

FIELD, REPETITION, COMPONENT, SUBCOMPONENT = "'|'", "'~'", "'^'", "'&'"
_USUAL = "'|~^&'"
_HIDDEN = "'\x1c\x1d\x1e\x1f'"
_ESCAPE = "'\x1b'"

SEGMENTS: Mapping[str, str] = {"MSH": "msh", "EVN": "evn", "PID": "pid", "PD1": "pd1", "PV1": "pv1", "MRG": "mrg"}
"""The segments that are read, and the column that holds each as a list of its fields."""

# What may stand between two escape characters; anything else is left as it was written.
_SEQUENCE = "\\x1b(?:[FSTREHN]|X[0-9A-Fa-f]+|[.][a-z]{2}[-+0-9]*|[CMZ][0-9A-Fa-f]*)\\x1b"
_COLUMN = re.compile(r'[\w."]+')
_REFERENCE = re.compile(r"([A-Z][A-Z0-9]{2})-(\d{1,2})(?:\(([1-9])\))?(?:\.([1-9]\d?))?")


def marks() -> str:
    """SQL of a message's own delimiters by name, from its "MSH"; what MSH-2 does not declare is a control character."""
    usual = """starts_with("MSH", 'MSH|^~\\&')"""
    own = {name: f'string_split("MSH", "MSH"[4])[2][{at}]' for at, name in enumerate(("comp", "rep", "esc", "sub"), 1)}
    own["field"] = '"MSH"[4]'
    columns = [
        f"CASE WHEN {usual} THEN '{mark}' ELSE coalesce(nullif({own[name]}, ''), chr({at})) END AS {name}"
        for at, (name, mark) in enumerate(_MARKS.items(), start=1)
    ]
    return ", ".join([f"{usual} AS is_usual", *columns])


def plain(x: str) -> str:
    """SQL of a segment's text with the usual delimiters and without escapes; it needs the columns of `marks`."""
    # The escape character always stands in MSH-2.
    body = f"{x}[9:]" if x == '"MSH"' else x
    return f"CASE WHEN is_usual AND NOT contains({body}, '\\') THEN {x} ELSE {_rewritten(x)} END"


def _rewritten(x: str) -> str:
    # Of a character that stands twice the first one counts.
    told = f"translate({x}, {' || '.join(_MARKS)} || {_USUAL}, {_USUAL} || {_ESCAPE} || {_HIDDEN})"
    arms = " ".join(f"WHEN '{letter}' THEN {name}" for letter, name in _LETTERS.items())
    # Bytes are text in UTF-8 where they can be, and else single characters of ISO 8859-1; line breaks are space.
    hexadecimal = "t[3:-2]"
    single = f"list_transform(regexp_extract_all({hexadecimal}, '..'), lambda b: chr(CAST('0x' || b AS INTEGER)))"
    decoded = f"coalesce(TRY(decode(unhex({hexadecimal}))), array_to_string({single}, ''))"
    piece = (
        f"CASE t[2] {arms} WHEN '' THEN esc WHEN '.' THEN ' '"
        f" WHEN 'X' THEN regexp_replace({decoded}, '[\\x00-\\x1f]+', ' ', 'g') ELSE '' END"
    )
    hidden = f"CASE WHEN t[1] = {_ESCAPE} THEN translate({piece}, {_USUAL}, {_HIDDEN}) ELSE t END"
    tokens = f"regexp_extract_all({told}, '{_SEQUENCE}|[^\\x1b]+|\\x1b')"
    return f"array_to_string(list_transform({tokens}, lambda t: {hidden}), '')"


# In the order of _USUAL, with the escape character last.
_MARKS = {"field": "|", "rep": "~", "comp": "^", "sub": "&", "esc": "\\"}
_LETTERS = {"F": "field", "R": "rep", "S": "comp", "T": "sub", "E": "esc"}


def field(name: str) -> str:
    """The field that a reference such as PID-3(2).1 is to, PID-3; SettingsError where it is no reference."""
    segment, number, *_ = _parted(name)
    return f"{segment}-{number}"


def reference(name: str) -> str:
    """SQL of what a reference such as PID-8, PID-3(2).1 or PV1-19.1 points to; null where it is empty.

    Fields are columns of their names, null where empty. Without a repetition it is all of them, without a component
    the whole; SettingsError where it is no reference.
    """
    _, _, repetition, component = _parted(name)
    sql = f'"{field(name)}"'
    if not repetition and not component:
        return sql
    sql = _part(sql, REPETITION, repetition or "1")
    if component:
        sql = _part(sql, COMPONENT, component)
    return f"nullif({sql}, '')"


def _part(x: str, mark: str, number: str) -> str:
    """SQL of one part of a text; to see that there are no parts costs a tenth of parting it."""
    alone = x if number == "1" else "''"
    return f"CASE WHEN contains({x}, {mark}) THEN split_part({x}, {mark}, {number}) ELSE {alone} END"


def _parted(name: str) -> tuple[str, str, str | None, str | None]:
    """Segment, field, repetition and component; a segment's name is its field 0."""
    match = _REFERENCE.fullmatch(name)
    if match is None or match[1] not in SEGMENTS:
        known = ", ".join(SEGMENTS)
        raise SettingsError(f"{name!r} is no place in a message; write it like PID-8 or PV1-19.1, of {known}")
    return match[1], str(int(match[2])), match[3], match[4]


def cut(name: str) -> str:
    """SQL of the field of that name from its segment as a list of fields (SEGMENTS); null where it is empty."""
    segment, _, number = name.partition("-")
    # MSH-1 is the delimiter itself and stands in no list.
    return f"nullif({SEGMENTS[segment]}[{int(number) + (segment != 'MSH')}], '')"


def repetitions(x: str) -> str:
    """SQL of a field as a list of repetitions, each a list of components; empty where the field is."""
    return f"list_transform(string_split({x}, {REPETITION}), lambda one: string_split(one, {COMPONENT}))"


def first_part(x: str) -> str:
    """SQL of a component's first subcomponent."""
    return _part(x, SUBCOMPONENT, "1")


def said(x: str) -> str:
    """SQL of a value as it is meant; null where nothing was said, and where two quotation marks say there is none."""
    # One after the other costs half of what `translate` does.
    shown = x
    for hidden, mark in zip(_HIDDEN[1:-1], _USUAL[1:-1], strict=True):
        shown = f"replace({shown}, '{hidden}', '{mark}')"
    meant = f"trim({shown})"
    # To see that nothing is hidden and no space around it costs a fifth of that, where naming it again costs nothing.
    if _COLUMN.fullmatch(x):
        hides = " OR ".join(f"contains({x}, '{hidden}')" for hidden in _HIDDEN[1:-1])
        bare = f"{x} > '!' AND {x} < chr(160) AND {x}[-1] BETWEEN '!' AND '~'"
        meant = f"CASE WHEN {hides} THEN {meant} WHEN {bare} THEN {x} ELSE trim({x}) END"
    return f"nullif(nullif({meant}, ''), '\"\"')"


def moment(x: str) -> str:
    """SQL of a time stamp as 14 digits, which stand in order; the hour is the sender's, whatever its zone."""
    short = f"rpad(nullif(regexp_extract({x}, '^[0-9]{{4,14}}'), ''), 14, '0')"
    return f"CASE WHEN regexp_full_match({x}, '[0-9]{{14}}') THEN {x} ELSE {short} END"


def day(x: str) -> str:
    """SQL of the date in a time stamp, yyyyMMdd of yyyyMMddHHmm[ss[.s]][+zone]; another form stays as it is."""
    stamp = "[0-9]{8}(?:[0-9]{2}){1,3}(?:[.][0-9]+)?(?:[-+][0-9]{4})?|[0-9]{8}[-+][0-9]{4}"
    return f"CASE WHEN length({x}) = 8 THEN {x} WHEN regexp_full_match({x}, '{stamp}') THEN {x}[:8] ELSE {x} END"
