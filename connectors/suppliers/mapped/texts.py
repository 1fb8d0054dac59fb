"""SQL that the kinds of file of a mapping share: what is unknown, where somebody lives, whose record it is."""

from __future__ import annotations

from collections.abc import Iterable

from connectors import values
from connectors.supplier import Rule
from connectors.suppliers.mapped.fields import PLACE
from connectors.suppliers.mapped.settings import Mapped
from connectors.values import Value, listed, quoted, text

LINES = tuple(f"address_line_{n}" for n in range(1, 6))
_UNIT = "[A-Z]{1,2}[0-9][A-Z0-9]?\\s*[0-9][A-Z]{2}"
_PARTS = {1: ("room", "floor", "flat"), 2: ("building", "house_number", "street"), 3: ("locality",)}
_PARTS |= {4: ("town",), 5: ("county",)}
DAMAGED = Rule(
    "its id was damaged by a spreadsheet (scientific notation or a decimal point)",
    "regexp_matches(r.person_id, '^[0-9.]+[eE][+]?[0-9]+$|^[0-9]+[.][0-9]*$')",
    ("person_id",),
)


def known(settings: Mapped, x: str) -> str:
    """The text, or null where it is one of the system's words for not knowing."""
    return f"CASE WHEN lower({x}) IN ({listed(settings.unknown)}) THEN NULL ELSE {x} END" if settings.unknown else x


def padded(settings: Mapped, x: str) -> str:
    """A person's id with the leading zeros that a spreadsheet took away, where ids are of one length."""
    digits = settings.person_id_digits
    return (
        f"CASE WHEN regexp_full_match({x}, '[0-9]{{1,{digits}}}') THEN lpad({x}, {digits}, '0') ELSE {x} END"
        if digits
        else x
    )


def said(x: str) -> str:
    """Whether a mark is set: anything but an empty field and no."""
    return f"({x} IS NOT NULL AND lower({x}) NOT IN ({listed(values.FALSE_WORDS)}))"


def day(settings: Mapped, x: str) -> Value:
    """A day in one of the forms of the mapping."""
    return values.day(x, *settings.forms)


def period(settings: Mapped) -> dict[str, Value]:
    """`from_date` and `to_date`, from a record with the column of `until`."""
    return {"from_date": day(settings, "r.from_date"), "to_date": day(settings, "r.until")}


def until(field: str = "to_date") -> dict[str, str]:
    """A further column of a raw record: the last day, null where the year 9999 is written for no end.

    It is a column because the macros that read dates repeat what they are given many times over.
    """
    return {"until": f"CASE WHEN r.{field} LIKE '%9999%' THEN NULL ELSE r.{field} END"}


def is_open(settings: Mapped, record: str) -> str:
    """Whether a record with a period holds today. An end that cannot be read is still an end."""
    starts, ends = (day(settings, f"{record}.{name}").parsed for name in ("from_date", "until"))
    ended = f"{record}.until IS NOT NULL AND coalesce({ends} <= reading_day(), true)"
    return f"NOT ({ended}) AND coalesce({starts} <= reading_day(), true)"


def latest(settings: Mapped) -> str:
    """The order of records with a period: the last to begin first."""
    return f"{day(settings, 'from_date').parsed} DESC NULLS LAST"


def earliest(settings: Mapped) -> str:
    """The opposite order."""
    return f"{day(settings, 'from_date').parsed} ASC NULLS FIRST"


def has_place(settings: Mapped, kind: str) -> bool:
    """Whether a kind of file says where anybody lives."""
    return any(settings.has(kind, field) for field in PLACE if field not in ("address_type", "main_address"))


def parts(settings: Mapped) -> str:
    """The lines of an address that stands in one column, as a list."""
    return (
        f"list_filter(string_split_regex({known(settings, 'r.address')}, '\\s*[,\\r\\n]+\\s*'),"
        f" lambda part: part <> '' AND NOT regexp_full_match(upper(part), '{_UNIT}'))"
    )


def place(settings: Mapped, kind: str, parted: str | None = None) -> dict[str, str]:
    """Further columns of a raw record: `line_1` to `line_5`, `unit` (the postcode) and `kind_of_address`.

    `parted` names the column that holds `parts`, where there is one.
    """
    has = {field for field in PLACE if settings.has(kind, field)}
    whole = parted or parts(settings)
    columns = {}
    for n, line in enumerate(LINES, start=1):
        ways = [known(settings, f"r.{line}")] if line in has else []
        if fields := [known(settings, f"r.{field}") for field in _PARTS[n] if field in has]:
            ways.append(f"nullif(concat_ws(' ', {', '.join(fields)}), '')")
        if "address" in has:
            # What is left of a long address stands together in the last line.
            ways.append(f"({whole})[{n}]" if n < len(LINES) else f"nullif(array_to_string(({whole})[{n}:], ', '), '')")
        columns[f"line_{n}"] = _first(ways)
    ways = [known(settings, "r.postcode")] if "postcode" in has else []
    if "address" in has:
        ways.append(f"nullif(regexp_extract(upper(r.address), '({_UNIT})\\s*$', 1), '')")
    columns["unit"] = _first(ways)
    return {**columns, "kind_of_address": _kind_of_address(settings)}


def _first(ways: Iterable[str]) -> str:
    found = list(ways)
    return f"coalesce({', '.join(found)})" if found else "CAST(NULL AS VARCHAR)"


def _kind_of_address(settings: Mapped) -> str:
    arms = " ".join(
        f"WHEN lower(r.address_type) IN ({listed(words)}) THEN {quoted(kind)}"
        for kind, words in settings.address_types.items()
        if words
    )
    return f"CASE WHEN r.address_type IS NULL THEN 'home' {arms} ELSE 'other' END"


def places(record: str) -> dict[str, Value]:
    """The columns of an address, from a record with the columns of `place`."""
    lines = {line: text(f"{record}.line_{n}") for n, line in enumerate(LINES, start=1)}
    return {**lines, "postcode": values.postcode(f"{record}.unit"), "uprn": text(f"{record}.uprn")}


def anywhere(record: str) -> str:
    """Whether a record says where."""
    lines = ", ".join(f"{record}.line_{n}" for n in range(1, 6))
    return f"coalesce({lines}, {record}.unit, {record}.uprn) IS NOT NULL"


def is_nhs_number(settings: Mapped, record: str) -> str:
    """Whether an identifier row holds an NHS number, by the type it gives."""
    return f"coalesce(lower({record}.scheme) IN ({listed(settings.nhs_number_types)}), false)"


def survivor(settings: Mapped) -> str:
    """Whose a record is that hangs on a person: the id it names, or the one that id was merged into.

    Merges are followed one step, within the organisation; what hangs on a longer chain is set aside with its person.
    """
    own = padded(settings, "r.person_id")
    if not settings.has("person", "merged_into"):
        return own
    merged = (
        f"SELECT min({padded(settings, 'm.merged_into')}) FROM raw_person m JOIN reading_file mf ON mf.file = m.file"
        f" WHERE m.merged_into IS NOT NULL AND {padded(settings, 'm.person_id')} = {own}"
        " AND mf.source_org = r.source_org_default"
    )
    return f"coalesce(({merged}), {own})"
