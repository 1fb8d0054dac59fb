"""FHIR R4 Patient resources by the UK Core profile, made in SQL: NDJSON, or a Bundle of type collection.

An element without a value is left out, as FHIR asks. The text of every value is escaped by DuckDB's own to_json.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.suppliers.fhir import REPLACED_RECORD
from connectors.values import quoted
from schemas.codes import ETHNIC_CATEGORY, NHS_NUMBER_STATUS
from schemas.person import SUPERSEDED_NHS_NUMBER

if TYPE_CHECKING:
    import duckdb

_BATCH = 20_000
_UK = "https://fhir.hl7.org.uk"
NHS_NUMBER_SYSTEM = "https://fhir.nhs.uk/Id/nhs-number"
ODS_SYSTEM = "https://fhir.nhs.uk/Id/ods-organization-code"
FHIR_ID = "[A-Za-z0-9.-]{1,64}"
_ADDRESS_KEY = f"{_UK}/StructureDefinition/Extension-UKCore-AddressKey"


class Verification(Enum):
    """Whose code system says how an NHS number was verified; the codes are 01 to 08 in each."""

    ENGLAND = "england"
    """UKCore-NHSNumberVerificationStatusEngland, the present one."""
    RETIRED = "retired"
    """UKCore-NHSNumberVerificationStatus, retired, with which PDS still sends the codes 01 to 08."""
    BOTH = "both"

    @property
    def systems(self) -> tuple[str, ...]:
        """URLs of the code systems."""
        england, retired = (f"{_UK}/CodeSystem/UKCore-NHSNumberVerificationStatus{end}" for end in ("England", ""))
        return {"england": (england,), "retired": (retired,), "both": (england, retired)}[self.value]


class Form(Enum):
    """What the resources stand in."""

    NDJSON = "ndjson"
    BUNDLE = "bundle"


def write_patients(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    path: Path,
    *,
    form: Form = Form.NDJSON,
    verification: Verification = Verification.ENGLAND,
) -> int:
    """Write one Patient for each row of `relation`, ordered by patient_id; gives how many.

    Columns: `patient_id` (a FHIR id, unique), `custodian` (organisation, may be null), the columns of PERSON from
    nhs_number to restricted, and lists of structs (empty where there are none), each with from_date and to_date:
    `names` (kind, family, given), `addresses` (kind, lines, postcode, uprn) and `identifiers` (scheme, value), with
    the codes of NAME, ADDRESS and IDENTIFIER.
    """
    entry = _object({"fullUrl": _text(_urn("patient_id")), "resource": "resource"})
    line = "resource" if form is Form.NDJSON else entry
    result = connection.execute(f"SELECT {line} FROM ({_resources(relation, verification)}) ORDER BY patient_id")
    first, between, last = ("", "\n", "\n")
    if form is Form.BUNDLE:
        # No line is a whole object, so that nobody takes the file for NDJSON by its first lines.
        first, between, last = ('{"resourceType":"Bundle","type":"collection","entry":[', "\n,", "\n]}\n")
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(first)
        while batch := result.fetchmany(_BATCH):
            file.write((between if written else "") + between.join(text for (text,) in batch))
            written += len(batch)
        file.write(last if written or form is Form.BUNDLE else "")
    return written


def _members() -> dict[str, str]:
    """SQL of each element of a Patient as JSON text, over a row of `write_patients`; null where it has no value."""
    meta = {"profile": _constant([f"{_UK}/StructureDefinition/UKCore-Patient"]), "security": _SECURITY}
    return {
        "resourceType": "'\"Patient\"'",
        "id": _text("patient_id"),
        "meta": _object(meta),
        "extension": _list(f"[{_ETHNICITY}]"),
        "identifier": _list(f"list_concat([{_number('nhs_status')}], {_each('identifiers', _identifier())})"),
        "active": "'true'",
        "name": _list(f"list_concat([{_USUAL_NAME}], {_each('names', _name())})"),
        "telecom": _list(f"[{_telecom('phone', 'phone')}, {_telecom('email', 'email')}]"),
        "gender": _words("gender", {"1": "male", "2": "female", "9": "other", "0": "unknown"}),
        "birthDate": _text(
            "CASE birth_date_precision WHEN 'Y' THEN strftime(birth_date, '%Y')"
            " WHEN 'YM' THEN strftime(birth_date, '%Y-%m') WHEN 'YMD' THEN strftime(birth_date, '%Y-%m-%d') END"
        ),
        "deceasedDateTime": _text(_day("death_date")),
        "address": _list(_each("addresses", _address())),
        "generalPractitioner": _list(f"[{_organisation('gp_practice_code', ODS_SYSTEM)}]"),
        "managingOrganization": _organisation("custodian", None),
        "link": _list(_each(f"list_filter(identifiers, lambda x: {_IS_LINK})", _link())),
    }


def _resources(relation: str, verification: Verification) -> str:
    """SELECT of patient_id and the JSON text of each resource.

    Every element is a column of its own first: an expression of all of them together takes DuckDB a second to plan.
    """
    displays = {code: words[0].upper() + words[1:] for code, words in NHS_NUMBER_STATUS.items()}
    status = _concept("nhs_number_status", displays, *verification.systems)
    members = _members()
    columns = ", ".join(f'{sql} AS "j {name}"' for name, sql in members.items())
    whole = _object({name: f'"j {name}"' for name in members})
    return (
        f"SELECT patient_id, {whole} AS resource"
        f" FROM (SELECT patient_id, {columns} FROM (SELECT *, {status} AS nhs_status FROM {relation}))"
    )


def _object(members: Mapping[str, str]) -> str:
    """JSON text of an object; members that are null are left out, and an object of none is null."""
    parts = ", ".join(f"'\"{name}\":' || {value}" for name, value in members.items())
    return f"('{{' || nullif(concat_ws(',', {parts}), '') || '}}')"


def _list(items: str) -> str:
    """JSON text of a list of JSON texts; null where none is left."""
    return f"('[' || nullif(array_to_string(list_filter({items}, lambda j: j IS NOT NULL), ','), '') || ']')"


def _each(items: str, made: str) -> str:
    return f"list_transform({items}, lambda x: {made})"


def _text(x: str) -> str:
    return f"CASE WHEN {x} IS NOT NULL THEN CAST(to_json({x}) AS VARCHAR) END"


def _constant(value: object) -> str:
    import json

    return quoted(json.dumps(value, separators=(",", ":")))


def _day(x: str) -> str:
    return f"strftime({x}, '%Y-%m-%d')"


def _words(x: str, words: Mapping[str, str]) -> str:
    arms = " ".join(f"WHEN {quoted(code)} THEN {_constant(word)}" for code, word in words.items())
    return f"CASE {x} {arms} END"


def _urn(x: str) -> str:
    """A UUID of version 8 (RFC 9562) made of the id: the same id, the same entry."""
    h = f"md5({x})"
    cut = " || '-' || ".join((f"{h}[1:8]", f"{h}[9:12]", f"'8' || {h}[14:16]", f"'a' || {h}[18:20]", f"{h}[21:32]"))
    return f"CASE WHEN {x} IS NOT NULL THEN 'urn:uuid:' || {cut} END"


_SECURITY = (
    "CASE WHEN restricted THEN "
    + _constant(
        [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R", "display": "restricted"}]
    )
    + " END"
)
_PERIOD = _object({"start": _text(_day("x.from_date")), "end": _text(_day("x.to_date"))})


def _concept(x: str, codes: Mapping[str, str], *systems: str) -> str:
    """JSON text of a CodeableConcept with the code's display, a coding for each system; null where `x` is null."""
    arms = " ".join(
        f"WHEN {quoted(code)} THEN "
        + _constant({"coding": [{"system": system, "code": code, "display": display} for system in systems]})
        for code, display in codes.items()
    )
    return f"CASE {x} {arms} END"


def _extension(name: str, concept: str) -> str:
    url = _constant(f"{_UK}/StructureDefinition/Extension-UKCore-{name}")
    return f"CASE WHEN {concept} IS NOT NULL THEN {_object({'url': url, 'valueCodeableConcept': concept})} END"


_ETHNICITY = _extension(
    "EthnicCategory", _concept("ethnicity", ETHNIC_CATEGORY, f"{_UK}/CodeSystem/UKCore-EthnicCategoryEngland")
)


def _number(status: str) -> str:
    extension = _extension("NHSNumberVerificationStatus", status)
    made = _object(
        {"extension": _list(f"[{extension}]"), "system": _constant(NHS_NUMBER_SYSTEM), "value": _text("nhs_number")}
    )
    return f"CASE WHEN nhs_number IS NOT NULL THEN {made} END"


_IS_LINK = f"x.scheme = {quoted(REPLACED_RECORD)} AND regexp_full_match(x.value, '{FHIR_ID}')"


def _identifier() -> str:
    """A scheme that is a URI is the system; other words are the type. Links stand elsewhere."""
    is_uri = "regexp_full_match(x.scheme, '[A-Za-z][A-Za-z0-9+.-]*:[^ ]+')"
    is_old = f"x.scheme = {quoted(SUPERSEDED_NHS_NUMBER)}"
    made = _object(
        {
            "use": f"CASE WHEN {is_old} THEN '\"old\"' END",
            "type": f"CASE WHEN NOT {is_uri} AND NOT {is_old} THEN {_object({'text': _text('x.scheme')})} END",
            "system": f"CASE WHEN {is_old} THEN {_constant(NHS_NUMBER_SYSTEM)}"
            f" WHEN {is_uri} THEN {_text('x.scheme')} END",
            "value": _text("x.value"),
            "period": _PERIOD,
        }
    )
    return f"CASE WHEN NOT ({_IS_LINK}) THEN {made} END"


def _link() -> str:
    other = _object({"reference": _text("'Patient/' || x.value")})
    return _object({"other": other, "type": "'\"replaces\"'"})


_GIVEN = "list_concat([given_name], string_split(middle_names, ' '))"
_USUAL_NAME = (
    "CASE WHEN coalesce(family_name, given_name, middle_names) IS NOT NULL THEN "
    + _object(
        {
            "use": "'\"official\"'",
            "family": _text("family_name"),
            "given": _list(f"list_transform({_GIVEN}, lambda g: {_text('g')})"),
        }
    )
    + " END"
)


def _name() -> str:
    uses = {"previous": "old", "maiden": "maiden", "known as": "nickname"}
    return _object(
        {
            "use": _words("x.kind", uses),
            "family": _text("x.family"),
            "given": _list(f"[{_text('x.given')}]"),
            "period": _PERIOD,
        }
    )


def _telecom(system: str, column: str) -> str:
    made = _object({"system": _constant(system), "value": _text(column)})
    return f"CASE WHEN {column} IS NOT NULL THEN {made} END"


def _address() -> str:
    key = _object(
        {
            "url": _constant(_ADDRESS_KEY),
            "extension": _list(
                "["
                + _constant(
                    {
                        "url": "type",
                        "valueCoding": {"system": f"{_UK}/CodeSystem/UKCore-AddressKeyType", "code": "UPRN"},
                    }
                )
                + ", "
                + _object({"url": _constant("value"), "valueString": _text("x.uprn")})
                + "]"
            ),
        }
    )
    return _object(
        {
            "extension": f"CASE WHEN x.uprn IS NOT NULL THEN '[' || {key} || ']' END",
            "use": _words("x.kind", {"home": "home", "temporary": "temp"}),
            "type": _words("x.kind", {"correspondence": "postal"}),
            "line": _list(f"list_transform(x.lines, lambda l: {_text('l')})"),
            "postalCode": _text("x.postcode"),
            "period": _PERIOD,
        }
    )


def _organisation(column: str, system: str | None) -> str:
    """A logical reference. A custodian's own words are not taken for an ODS code, so they have no system."""
    members = {"system": _constant(system)} if system else {}
    identifier = _object({**members, "value": _text(column)})
    made = _object({"type": _constant("Organization"), "identifier": identifier})
    return f"CASE WHEN {column} IS NOT NULL THEN {made} END"
