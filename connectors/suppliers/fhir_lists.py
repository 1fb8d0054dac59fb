"""SQL over lists of FHIR's elements and over their periods; `x` is an element of a list.

Lists are worked on in place by DuckDB's list functions. What few resources have is asked for behind a CASE: DuckDB
spares the others what stands in it, and a block of which none has it the making ready of the list function, which is
as dear as its expression is long.
"""

from __future__ import annotations

_TODAY = "CAST(reading_day() AS VARCHAR)"
_LAST = "chr(1114111)"
"""The character that stands after all others: with it a text is after every one that it begins."""


def clean(x: str) -> str:
    """A text without space around it, null where nothing is left; what plainly has none is spared the dear trim."""
    sound = f"{x} > '!' AND {x} < chr(160) AND {x}[-1] BETWEEN '!' AND '~'"
    return f"CASE WHEN {sound} THEN {x} ELSE nullif(trim({x}, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '') END"


def filtered(items: str, where: str) -> str:
    """Those of which it holds, and an empty list where there is none."""
    return f"coalesce(list_filter({items}, lambda x: coalesce({where}, false)), [])"


def holds(items: str, where: str) -> str:
    """Whether it holds of one of them; few resources have any."""
    return f"CASE WHEN {items} IS NULL THEN false ELSE len({filtered(items, where)}) > 0 END"


def ended(x: str) -> str:
    """Whether its period is over, as far as its end is known: a year ends after all its days."""
    return (
        f"""CASE WHEN {x}.period IS NULL THEN false ELSE coalesce({x}.period."end" || {_LAST} < {_TODAY}, false) END"""
    )


def live(x: str) -> str:
    """Whether its period has begun and is not over, as far as they are known."""
    begun = f"coalesce({x}.period.start <= {_TODAY} || {_LAST}, true)"
    return f"CASE WHEN {x}.period IS NULL THEN true ELSE NOT {ended(x)} AND {begun} END"


def rank(*whens: tuple[str, int]) -> str:
    """The number that stands with the first that holds."""
    return f"CASE {' '.join(f'WHEN {when} THEN {place}' for when, place in whens)} END"


# A text of MAX_DOCUMENT has fewer elements than that in all its lists.
PLACES = 1 << 28


def first(items: str, key: str, then: str = "0") -> str:
    """The place of the first by `key`, then by `then`, then as they stand; those whose key is null are none."""
    keys = f"list_transform({items}, lambda x, i: (CAST({key} AS BIGINT) * 100000000 + {then}) * {PLACES} + i)"
    return f"list_min({keys}) % {PLACES}"


def differ(items: str) -> str:
    """Whether there are two that differ."""
    return f"coalesce(list_min({items}) <> list_max({items}), false)"


def codes(extensions: str, where: str, code: str) -> str:
    """What `code` gives of all codings `c` of those extensions for which `where` holds of `x`."""
    found = f"list_transform(x.valueCodeableConcept.coding, lambda c: {code})"
    return f"flatten(list_transform({extensions}, lambda x: CASE WHEN {where} THEN {found} END))"


def within(x: str) -> str:
    """The fields of the dates of its period."""
    start, end = (f"CASE WHEN {x}.period IS NOT NULL THEN {clean(f'{x}.period.{at}')} END" for at in ("start", '"end"'))
    return f"from_date := {start}, to_date := {end}"
