"""Council systems without a public layout: a TOML mapping of column titles makes a supplier.

The shipped mappings (`profiles/carefirst.toml`, `profiles/swift.toml`) are assumed and say so. A council's own mapping
changes what it names and leaves the rest; docs/connectors.md shows how. What follows from a mapping is here: which of
our fields there are, several rows a person, the NHS number in an identifier row, the current address among many.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors import values
from connectors.supplier import Fill, Kind, Lookup, Repeats, Rule, Supplier
from connectors.values import Value, listed, quoted, text
from schemas import ADDRESS, IDENTIFIER, NAME, PERSON, SERVICE
from schemas.dates import Form
from schemas.errors import SettingsError

PROFILES = ("carefirst", "swift")

_FORMS = {
    "dd/mm/yyyy": Form.UK,
    "dd-Mon-yy": Form.MONTH_NAME,
    "dd-Mon-yyyy": Form.MONTH_NAME,
    "yyyy-mm-dd": Form.ISO,
    "yyyymmdd": Form.BASIC,
}
_ENCODINGS = {"utf-8": "utf-8", "windows-1252": "cp1252"}
_LINES = tuple(f"address_line_{n}" for n in range(1, 6))
_PLACE = (*_LINES, "postcode", "uprn")
_PERIOD = ("from_date", "to_date")
_FIELDS = {
    "person": (
        *("person_id", "nhs_number", "family_name", "given_name", "given_names", "middle_names"),
        *(
            "previous_family_name",
            "maiden_name",
            "known_as",
            "birth_date",
            "birth_date_estimated",
            "gender",
            "ethnicity",
        ),
        *("death_date", "phone", "email", "gp_practice_code", "restricted", "address_type", *_PLACE, *_PERIOD),
    ),
    "address": ("person_id", "address_type", *_PLACE, *_PERIOD),
    "identifier": ("person_id", "scheme", "value", *_PERIOD),
    "service": (
        *("person_id", "event_id", "service_type", "service_component", "provider", "start_date", "end_date"),
        *("end_reason", "unit_cost", "cost_unit"),
    ),
}
_SETTINGS = {
    "source",
    "encodings",
    "dates",
    "name_flags",
    "nhs_number_types",
    "estimated_birth_date",
    "address_types",
    "kinds",
}


def load(profile: str, mapping: Path | None = None) -> Supplier:
    """The supplier of a shipped profile, changed by a council's own mapping; SettingsError says what is wrong in it."""
    settings = tomllib.loads((Path(__file__).parent / "profiles" / f"{profile}.toml").read_text(encoding="utf-8"))
    if mapping is not None:
        settings = _changed(settings, _read(mapping), mapping)
    where = mapping or Path(f"{profile}.toml")
    try:
        return _supplier(settings)
    except (KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{where}: the mapping is not as docs/connectors.md describes it ({error})") from error


def profile_of(mapping: Path) -> str:
    """Which shipped profile a mapping changes: what its `source` says."""
    source = _read(mapping).get("source")
    if source not in PROFILES:
        raise SettingsError(
            f"{mapping}: source must be one of {', '.join(PROFILES)}, the profile that the mapping changes"
        )
    return str(source)


def _read(mapping: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(mapping.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{mapping}: the mapping cannot be read; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{mapping}: not a TOML file ({error})") from error


def _changed(shipped: dict[str, Any], own: dict[str, Any], where: Path) -> dict[str, Any]:
    """The shipped settings with a council's over them, checked name by name: a slip of the pen must not go unseen."""
    _known(own, _SETTINGS, "setting", where)
    kinds = own.get("kinds", {})
    _known(kinds, set(_FIELDS), "kind of file", where)
    merged = {**shipped, **own, "kinds": dict(shipped["kinds"])}
    for name, kind in kinds.items():
        _known(kind, {"required", "columns"}, f"setting of kinds.{name}", where)
        _known(kind.get("columns", {}), set(_FIELDS[name]), f"column of kinds.{name}", where)
        before = shipped["kinds"][name]
        columns = {
            field: [titles] if isinstance(titles, str) else titles for field, titles in kind.get("columns", {}).items()
        }
        merged["kinds"][name] = {
            "required": kind.get("required", before["required"]),
            "columns": {**before["columns"], **columns},
        }
        _known(dict.fromkeys(merged["kinds"][name]["required"]), set(_FIELDS[name]), f"required of kinds.{name}", where)
    return merged


def _known(given: Mapping[str, object], allowed: set[str], what: str, where: Path) -> None:
    if unknown := sorted(set(given) - allowed):
        raise SettingsError(f"{where}: unknown {what}: {', '.join(unknown)}; it is one of {', '.join(sorted(allowed))}")


def _supplier(settings: Mapping[str, Any]) -> Supplier:
    for name in settings["dates"]:
        if name not in _FORMS:
            raise SettingsError(f"dates: {name!r} is not a form of date; it is one of {', '.join(_FORMS)}")
    for name in settings["encodings"]:
        if name not in _ENCODINGS:
            raise SettingsError(f"encodings: {name!r} is not known; it is one of {', '.join(_ENCODINGS)}")
    forms = tuple(_FORMS[name] for name in settings["dates"])
    makers = {"person": _person, "address": _address, "identifier": _identifier, "service": _service}
    return Supplier(
        name=settings["source"],
        encodings=tuple(_ENCODINGS[name] for name in settings["encodings"]),
        kinds=tuple(makers[name](settings, forms) for name in _FIELDS),
        lookups=_lookups(settings, forms),
    )


def _lookups(settings: Mapping[str, Any], forms: tuple[Form, ...]) -> tuple[Lookup, ...]:
    """The current address (open, latest start) and the NHS number among the identifiers."""
    start = f"{values.day('from_date', *forms).parsed} DESC NULLS LAST"
    live = f"coalesce({values.day('home.from_date', *forms).parsed} <= reading_day(), true)"
    return (
        Lookup(
            alias="home",
            kinds=("address", "person"),
            # An end date that cannot be read is still an end.
            where=f"home.to_date IS NULL AND {_type_of_address(settings, 'home')} = 'home'"
            f" AND {_anywhere('home')} AND {live}",
            order=start,
        ),
        Lookup(
            alias="reference",
            kinds=("identifier",),
            where="reference.to_date IS NULL AND reference.value IS NOT NULL"
            f" AND {_is_nhs_number(settings, 'reference')}",
            order=start,
        ),
    )


def _kind(settings: Mapping[str, Any], name: str, fills: tuple[Fill, ...], **more: Any) -> Kind:
    declared = settings["kinds"][name]
    return Kind(
        name=name,
        columns={field: tuple(declared["columns"].get(field, ())) for field in _FIELDS[name]},
        required=tuple(declared["required"]),
        fills=fills,
        record_id="r.person_id",
        key_columns=("person_id",),
        **more,
    )


def _person(settings: Mapping[str, Any], forms: tuple[Form, ...]) -> Kind:
    flags = "|".join(word.upper() for word in settings["name_flags"])
    estimated = (
        f"CASE WHEN {values.is_true('r.birth_date_estimated')} THEN {quoted(settings['estimated_birth_date'])} END"
    )
    first = "coalesce(r.given_name, regexp_extract(r.given_names, '^\\S+'))"
    rest = "coalesce(r.middle_names, nullif(trim(regexp_replace(r.given_names, '^\\S+', '')), ''))"
    # The number of the person's own row goes before one that stands among the identifiers; where neither is one, what
    # is wrong is said of the identifier.
    held = values.nhs_number("coalesce(reference.value, r.nhs_number)", record="reference")
    number = replace(held, parsed="coalesce(nhs_number(r.nhs_number), nhs_number(reference.value))")
    person = {
        "nhs_number": number,
        "family_name": text("r.family_name"),
        "given_name": text(f"nullif({first}, '')"),
        "middle_names": text(rest),
        "previous_family_name": text("coalesce(r.previous_family_name, r.maiden_name)"),
        **values.birth_date("r.birth_date", *forms, precision=estimated),
        "gender": values.gender("r.gender"),
        "death_date": values.day("r.death_date", *forms),
        **{name: value.quietly() for name, value in _places("home").items()},
        "gp_practice_code": text("r.gp_practice_code"),
        "phone": text("r.phone"),
        "email": text("r.email"),
        "ethnicity": values.ethnicity("r.ethnicity"),
        "restricted": values.flag("r.restricted"),
    }
    return _kind(
        settings,
        "person",
        (
            Fill(PERSON, person, once=True),
            Fill(ADDRESS, _address_columns(settings, forms), where=_anywhere("r")),
            _name("previous", family="r.previous_family_name"),
            _name("maiden", family="r.maiden_name"),
            _name("known as", given="r.known_as"),
        ),
        repeats=Repeats.FOLD,
        keep_repeats=_anywhere("r"),
        exclude=(
            Rule(
                "the name carries a mark such as DUPLICATE, TEST or DO NOT USE",
                "regexp_matches(upper(concat_ws(' ', r.family_name, r.given_name, r.given_names)),"
                f" {quoted(f'(^|[^A-Z])({flags})([^A-Z]|$)')})",
                ("family_name",),
            ),
        )
        if flags
        else (),
    )


def _name(kind: str, family: str = "NULL", given: str = "NULL") -> Fill:
    columns = {"name_type": values.constant(kind), "family_name": text(family), "given_name": text(given)}
    return Fill(NAME, columns, where=f"coalesce({family}, {given}) IS NOT NULL", once=True)


def _address(settings: Mapping[str, Any], forms: tuple[Form, ...]) -> Kind:
    return _kind(
        settings,
        "address",
        (Fill(ADDRESS, _address_columns(settings, forms)),),
        dependant=True,
        exclude=(Rule("no address in the record", f"NOT {_anywhere('r')}", ("address_line_1",)),),
    )


def _identifier(settings: Mapping[str, Any], forms: tuple[Form, ...]) -> Kind:
    is_number = _is_nhs_number(settings, "r")
    # PERSON reports a number that fails, once; here it is kept out without another word.
    columns = {
        "scheme": Value(f"CASE WHEN {is_number} THEN 'nhs number' ELSE r.scheme END"),
        "value": Value(f"CASE WHEN {is_number} THEN nhs_number(r.value) ELSE r.value END"),
        "from_date": values.day("r.from_date", *forms),
        "to_date": values.day("r.to_date", *forms),
    }
    return _kind(
        settings,
        "identifier",
        (Fill(IDENTIFIER, columns),),
        dependant=True,
        exclude=(Rule("no identifier in the record", "r.value IS NULL OR r.scheme IS NULL", ("scheme", "value")),),
    )


def _service(settings: Mapping[str, Any], forms: tuple[Form, ...]) -> Kind:
    columns = {
        **{name: text(f"r.{name}") for name in ("event_id", "service_type", "service_component", "provider")},
        "start_date": values.day("r.start_date", *forms),
        "end_date": values.day("r.end_date", *forms),
        "end_reason": text("r.end_reason"),
        "unit_cost": values.number("r.unit_cost"),
        "cost_unit": text("r.cost_unit"),
    }
    return _kind(settings, "service", (Fill(SERVICE, columns),), dependant=True)


def _address_columns(settings: Mapping[str, Any], forms: tuple[Form, ...]) -> dict[str, Value]:
    return {
        "address_type": Value(_type_of_address(settings, "r")),
        **_places("r"),
        "from_date": values.day("r.from_date", *forms),
        "to_date": values.day("r.to_date", *forms),
    }


def _places(record: str) -> dict[str, Value]:
    lines = {line: text(f"{record}.{line}") for line in _LINES}
    return {**lines, "postcode": values.postcode(f"{record}.postcode"), "uprn": text(f"{record}.uprn")}


def _type_of_address(settings: Mapping[str, Any], record: str) -> str:
    arms = " ".join(
        f"WHEN lower({record}.address_type) IN ({listed(word.lower() for word in words)}) THEN {quoted(kind)}"
        for kind, words in settings["address_types"].items()
    )
    return f"CASE WHEN {record}.address_type IS NULL THEN 'home' {arms} ELSE 'other' END"


def _anywhere(record: str) -> str:
    return f"coalesce({', '.join(f'{record}.{field}' for field in _PLACE)}) IS NOT NULL"


def _is_nhs_number(settings: Mapping[str, Any], record: str) -> str:
    return f"coalesce(lower({record}.scheme) IN ({listed(w.lower() for w in settings['nhs_number_types'])}), false)"
