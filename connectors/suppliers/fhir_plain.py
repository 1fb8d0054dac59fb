"""SQL that makes columns of plain FHIR Patients: one name in use, one home, one NHS number, and nothing that ended.

Most patients of most systems are so. Their few values are fetched from the text by their paths, which takes half of
the time that their lists take; all others go the exact way (`connectors.suppliers.fhir_json`), and so does whatever is
not certain to give the same there.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.suppliers.fhir_json import (
    ETHNIC_EXTENSION,
    IS_NUMBER,
    STATUS_CODE,
    STATUS_EXTENSION,
    clean,
    without_scheme,
)

_CONCEPT = "valueCodeableConcept.coding"
_LISTS = {
    # Path to how many there may be; 0 stands for none, and no list at all.
    "identifier": "1",
    "identifier[0].extension": "0, 1",
    f"identifier[0].extension[0].{_CONCEPT}": "0, 1",
    "name": "1",
    "name[0].given": "0, 1, 2, 3",
    "telecom": "0, 1, 2",
    "address": "1",
    "address[0].line": "1, 2, 3, 4",
    "address[0].extension": "0",
    "extension": "0, 1",
    "generalPractitioner": "0, 1",
    "link": "0",
    "contained": "0",
    "meta.security": "0",
}
_VALUES = {
    "id": "id",
    "gender": "gender",
    "birth_date": "birthDate",
    "died": "deceasedDateTime",
    "dead": "deceasedBoolean",
    "active": "active",
    "version": "meta.versionId",
    "last_updated": "meta.lastUpdated",
    "name_use": "name[0].use",
    "name_period": "name[0].period",
    "family": "name[0].family",
    "words": "name[0].text",
    **{f"given_{n}": f"name[0].given[{n}]" for n in range(3)},
    "home_use": "address[0].use",
    "home_type": "address[0].type",
    "home_period": "address[0].period",
    **{f"line_{n}": f"address[0].line[{n}]" for n in range(4)},
    "district": "address[0].district",
    "city": "address[0].city",
    "postcode": "address[0].postalCode",
    "number_use": "identifier[0].use",
    "number_period": "identifier[0].period",
    "number_system": "identifier[0].system",
    "number": "identifier[0].value",
    "status_url": "identifier[0].extension[0].url",
    "status_system": f"identifier[0].extension[0].{_CONCEPT}[0].system",
    "status": f"identifier[0].extension[0].{_CONCEPT}[0].code",
    "ethnic_url": "extension[0].url",
    "ethnicity": f"extension[0].{_CONCEPT}[0].code",
    **{f"{name}_{n}": f"telecom[{n}].{name}" for n in range(2) for name in ("system", "use", "period", "value")},
    "practice": "generalPractitioner[0].identifier.value",
    "practice_period": "generalPractitioner[0].identifier.period",
    "practice_at": "generalPractitioner[0].reference",
    "custodian": "managingOrganization.identifier.value",
    "custodian_at": "managingOrganization.reference",
}
_PLACE = {name: f"found[{at}]" for at, name in enumerate(_VALUES, start=1)}


def _paths(paths: Iterable[str]) -> str:
    return ", ".join(f"'$.{path}'" for path in paths)


def _dated(x: str) -> str:
    return f"({x} IS NULL OR {x}[1] BETWEEN '0' AND '9' AND {x}[5] = '-' AND {x}[8] = '-')"


def _telecom(n: int) -> str:
    value = f"value_{n}"
    return (
        f"system_{n} IN ('phone', 'sms', 'email') AND coalesce(use_{n}, 'home') <> 'old' AND period_{n} IS NULL"
        f" AND {value} > '!' AND {value} < chr(160)"
    )


_FEW = " AND ".join(
    f"counts[{at}] IS NULL" if many == "0" else f"coalesce(counts[{at}] IN ({many.removeprefix('0, ')}), {'0' in many})"
    for at, many in enumerate(_LISTS.values(), start=1)
)
_PLAIN = " AND ".join(
    (
        # What is no text is made one: a number has one hyphen within it at most, and no word ends in a numeral.
        "(id[1] BETWEEN 'A' AND 'z' AND id[-1] BETWEEN '0' AND '9'"
        " OR id[9] = '-' AND id[14] = '-' AND id[1] NOT IN ('[', '{'))",
        "(gender IS NULL OR gender IN ('male', 'female', 'other', 'unknown'))",
        _dated("birth_date"),
        _dated("died"),
        "name_use IN ('official', 'usual') AND name_period IS NULL",
        "home_use = 'home' AND coalesce(home_type, '') <> 'postal' AND home_period IS NULL",
        f"{IS_NUMBER.replace('x.', 'number_')} AND coalesce(number_use, '') <> 'old' AND number_period IS NULL",
        "number > '!' AND number < chr(160)",
        "practice_period IS NULL AND practice_at IS NULL AND custodian_at IS NULL",
        f"(telecoms IS NULL OR {_telecom(0)})",
        f"(telecoms IS NULL OR telecoms = 1 OR {_telecom(1)} AND (system_0 = 'email') <> (system_1 = 'email'))",
    )
)

PLAIN = f"""
WITH counted AS (
    SELECT *, json_array_length(json, [{_paths(_LISTS)}]) AS counts FROM incoming
), found AS (
    SELECT *, CASE WHEN resource_type = 'Patient' AND {_FEW}
        THEN json_extract_string(json, [{_paths(_VALUES.values())}]) END AS found
    FROM counted
), named AS (
    SELECT file, record, line, resource_type, counts[{list(_LISTS).index("telecom") + 1}] AS telecoms,
        {", ".join(f"{place} AS {name}" for name, place in _PLACE.items())}
    FROM found
), judged AS MATERIALIZED (
    -- Or the planner asks for every path again wherever its value is used.
    SELECT *, coalesce({_PLAIN}, false) AS is_plain FROM named
)
SELECT file, record, line, resource_type, true AS is_sound, {clean("id")} AS id,
    TRY_CAST(last_updated AS TIMESTAMPTZ) AS last_updated, TRY_CAST(version AS BIGINT) AS version, active,
    false AS test, false AS restricted, false AS replaced,
    {clean("number")} AS number, false AS numbers_differ,
    CASE WHEN {STATUS_EXTENSION.replace("x.", "status_")}
        THEN {STATUS_CODE.replace("c.system", "status_system").replace("c.code", "status")} END AS status_code,
    false AS statuses_differ,
    struct_pack(family := {clean("family")}, words := {clean("words")},
        given := list_filter([{", ".join(clean(f"given_{n}") for n in range(3))}], lambda g: g IS NOT NULL)) AS called,
    {clean("birth_date")} AS birth_date, {clean("gender")} AS gender,
    coalesce({clean("died")}, CASE WHEN dead = 'true' THEN 'true' END) AS deceased,
    {without_scheme("CASE WHEN system_0 <> 'email' THEN value_0 WHEN system_1 <> 'email' THEN value_1 END")} AS phone,
    {without_scheme("CASE WHEN system_0 = 'email' THEN value_0 WHEN system_1 = 'email' THEN value_1 END")} AS email,
    CASE WHEN {ETHNIC_EXTENSION.replace("x.", "ethnic_")} THEN {clean("ethnicity")} END AS ethnicity,
    {clean("practice")} AS practice, {clean("custodian")} AS custodian,
    struct_pack(kind := 'home',
        lines := list_filter([{", ".join(clean(x) for x in (*(f"line_{n}" for n in range(4)), "district", "city"))}],
            lambda l: l IS NOT NULL),
        postcode := {clean("postcode")}, uprn := CAST(NULL AS VARCHAR),
        from_date := CAST(NULL AS VARCHAR), to_date := CAST(NULL AS VARCHAR)) AS home, [home] AS addresses
FROM judged WHERE is_plain
"""
"""What is kept of those that are plain, as they are loaded."""
