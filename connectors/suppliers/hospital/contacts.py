"""What a patient's PID says as the values that are meant, as SQL: names, addresses, numbers to call, days and codes.

Lists are dear, and most patients have one name and one address: a field without repetitions is read as it stands. Each
value is taken out of its notation once, for whatever names it again pays for it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.suppliers.hospital.adt import Settings
from connectors.suppliers.hospital.codes import among
from connectors.suppliers.hospital.hl7 import COMPONENT, REPETITION, SUBCOMPONENT, day, first_part, repetitions, said
from connectors.values import quoted

_NAME, _ADDRESS, _PLACE = "only_name", "only_address", "only_place"
"""A name and an address that stand alone in their fields, as lists of components; and what the address says."""
_UNTYPED = "coalesce(x[7], '') = ''"


_FIELDS = ("names", "aliases", "addresses", "phones", "work_phones")
"""Columns of PID-5, 9, 11, 13 and 14."""
_CODES = ("born", "gender", "died", "dead", "ethnicity", "practice")
LINES = (1, 2, 3, 4, 8)
"""Components of an XAD that are lines of an address; the fifth is the postcode."""


def parted(people: str, settings: Settings) -> str:
    """SQL of the same people with the values of the columns _FIELDS and _CODES, null where nothing is said.

    `usual` is a structure of names, `home` of the lines and the postcode of an address; `other_names` and `places` are
    lists of {type, name} and {type, place} of such structures.
    """
    codes = ", ".join(f"{said(name)} AS {name}" for name in _CODES)
    return f"""
    SELECT r.* EXCLUDE (usual_name, home_address, is_home) REPLACE ({day("born")} AS born, {day("died")} AS died)
    FROM (
        SELECT r.* REPLACE ({codes}, {meant("r.usual", _name("x"))} AS usual),
            CASE WHEN home_address IS NOT NULL THEN {address("r.home_address")}
                WHEN is_home THEN places[1].place END AS home,
            list_filter(other_names, lambda x: x.type = 'previous')[1].name.family AS previous_name
        FROM (SELECT *, {_struct(_name("usual_name"))} AS usual FROM ({_lists(people, settings)})) r
    ) r"""


def name(x: str) -> str:
    """SQL of a structure of the names in an XPN as a list of components."""
    return _struct({part: said(sql) for part, sql in _name(x).items()})


def address(x: str) -> str:
    """SQL of a structure of the lines of an XAD; a street may be parted into number and name."""
    return _struct({part: said(sql) for part, sql in _address(x).items()})


def meant(x: str, parts: Iterable[str]) -> str:
    """SQL of a structure of the values that those of another one mean: `said` is quicker with what has a name."""
    return _struct({part: said(f"{x}.{part}") for part in parts})


def _name(x: str) -> dict[str, str]:
    return {"family": first_part(f"{x}[1]"), "given": f"{x}[2]", "middle": f"{x}[3]"}


def _address(x: str) -> dict[str, str]:
    street = f"replace({x}[1], {SUBCOMPONENT}, ' ')"
    lines = {f"line_{n}": street if at == 1 else f"{x}[{at}]" for n, at in enumerate(LINES, start=1)}
    return {**lines, "postcode": f"{x}[5]"}


def _struct(parts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {sql}" for name, sql in parts.items()) + "}"


def _lists(people: str, settings: Settings) -> str:
    """The same people with lists of names and addresses and the usual one of each, phone and e-mail."""
    columns = {
        "usual_name": _usual_name("names", settings),
        "other_names": _other_names("names", "aliases", settings),
        "home_address": _home("addresses", settings),
        # An address without a type is taken for it.
        "is_home": f"{_kind(f'r.{_ADDRESS}[7]', settings.address_types, 'home')} = 'home'",
        "places": _addresses("addresses", settings),
        "phone": _phone("phones", "work_phones"),
        "email": _email("phones"),
    }
    said = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    one = ", ".join(
        f"CASE WHEN NOT {_repeats(field)} THEN string_split({field}, {COMPONENT}) END AS {name}"
        for field, name in (("names", _NAME), ("addresses", _ADDRESS))
    )
    left = ", ".join((*_FIELDS, _NAME, _ADDRESS, _PLACE))
    return f"""
    SELECT r.* EXCLUDE ({left}), {said} FROM (
        SELECT * REPLACE ({meant(_PLACE, _address("x"))} AS {_PLACE}) FROM (
            SELECT *, {_struct(_address(_ADDRESS))} AS {_PLACE} FROM (SELECT *, {one} FROM {people})
        )
    ) r"""


def _usual_name(field: str, settings: Settings) -> str:
    names, usual = repetitions(field), among("upper(x[7])", settings.name_types["usual"])
    first = " ".join(f"list_filter({names}, lambda x: {rule})[1]," for rule in (usual, _UNTYPED))
    return f"CASE WHEN {_repeats(field)} THEN coalesce({first} {names}[1]) ELSE r.{_NAME} END"


def _other_names(field: str, aliases: str, settings: Settings) -> str:
    others = {kind: types for kind, types in settings.name_types.items() if kind != "usual"}
    known_as = f"list_transform({repetitions(aliases)}, lambda x: {{'type': 'known as', 'name': {name('x')}}})"
    other = f"list_transform({repetitions(field)}, lambda x: {{'type': {_kind('x[7]', others)}, 'name': {name('x')}}})"
    named = (
        f"list_filter(list_concat(coalesce({other}, []), coalesce({known_as}, [])),"
        f" lambda x: x.type IS NOT NULL AND coalesce(x.name.family, x.name.given) IS NOT NULL)"
    )
    is_other = f"{_kind(f'r.{_NAME}[7]', others)} IS NOT NULL"
    return f"CASE WHEN {aliases} IS NOT NULL OR {_repeats(field)} OR {is_other} THEN {named} END"


def _home(field: str, settings: Settings) -> str:
    """Of several addresses the one at home."""
    home = settings.address_types["home"]
    first = ", ".join(
        f"list_filter({_places(field)}, lambda x: {rule})[1]" for rule in (among("upper(x[7])", home), _UNTYPED)
    )
    return f"CASE WHEN {_repeats(field)} THEN coalesce({first}) END"


def _addresses(field: str, settings: Settings) -> str:
    def place(kind: str, said: str) -> str:
        return f"{{'type': {_kind(kind, settings.address_types, 'home', 'other')}, 'place': {said}}}"

    listed = f"list_transform({_places(field)}, lambda x: {place('x[7]', address('x'))})"
    says = ", ".join(f"r.{_PLACE}.{name}" for name in ("line_1", "line_2", "line_3", "line_4", "postcode"))
    one = place(f"r.{_ADDRESS}[7]", f"r.{_PLACE}")
    return f"CASE WHEN {_repeats(field)} THEN {listed} WHEN coalesce({says}) IS NOT NULL THEN [{one}] END"


def _places(field: str) -> str:
    """The addresses that say anything."""
    return (
        f"list_filter({repetitions(field)}, lambda x: len(list_filter(x[:5], lambda y: {said('y')} IS NOT NULL)) > 0)"
    )


def _repeats(field: str) -> str:
    return f"contains({field}, {REPETITION})"


def _kind(x: str, types: Mapping[str, tuple[str, ...]], untyped: str | None = None, unknown: str | None = None) -> str:
    """SQL of our word for a type."""
    arms = " ".join(f"WHEN {among(f'upper({x})', words)} THEN {quoted(kind)}" for kind, words in types.items())
    none = f"WHEN coalesce({x}, '') = '' THEN {quoted(untyped)}" if untyped else ""
    return f"CASE {none} {arms} ELSE {quoted(unknown) if unknown else 'NULL'} END"


# Digits under a use and an equipment of the standard (HL7 tables 0201 and 0202), e-mail apart: nearly all there are.
_NUMBER = "[0-9][0-9 ]*[0-9](?:\\^(?:PRN|ORN|WPN|VHN|ASN|EMR)?(?:\\^(?:PH|FX|MD|CP|BP)?)?)?"


def _phone(*fields: str) -> str:
    """The first number of the first field that has one: XTN.1, or area code and local number."""
    whole = f"coalesce({said('x[1]')}, {said('x[12]')}, nullif(concat_ws(' ', {said('x[6]')}, {said('x[7]')}), ''))"
    mail = "coalesce(upper(x[2]) = 'NET' OR upper(x[3]) IN ('INTERNET', 'X.400'), false) OR contains(x[1], '@')"
    found = [
        f"CASE WHEN regexp_full_match({field}, '{_NUMBER}') THEN split_part({field}, {COMPONENT}, 1)"
        f" WHEN {field} IS NOT NULL THEN list_filter(list_transform({repetitions(field)},"
        f" lambda x: CASE WHEN NOT coalesce({mail}, false) THEN {whole} END), lambda x: x IS NOT NULL)[1] END"
        for field in fields
    ]
    return f"coalesce({', '.join(found)})"


def _email(field: str) -> str:
    address = f"coalesce({said('x[4]')}, CASE WHEN contains(x[1], '@') THEN {said('x[1]')} END)"
    found = f"list_filter(list_transform({repetitions(field)}, lambda x: {address}), lambda x: contains(x, '@'))[1]"
    return f"CASE WHEN contains({field}, '@') THEN {found} END"
