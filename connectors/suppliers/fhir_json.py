"""SQL that makes columns of FHIR Patient resources: the present name, address and number, and lists of the others.

`TAKEN` and `PREPARE` are said of the resources of `connectors.suppliers.fhir`. Lists are worked on in place by DuckDB's
list functions; of several candidates the first by a sort key of numbers is chosen.
"""

from __future__ import annotations

from connectors.suppliers.fhir_shape import ORGANISATION, PATIENT, SOUND

ELSEWHERE = "r.resource_type IS DISTINCT FROM 'Patient'"
"""SQL: the record is a resource of another type."""


_TODAY = "CAST(reading_day() AS VARCHAR)"


def clean(x: str) -> str:
    """A text without space around it, null where nothing is left; what plainly has none is spared the dear trim."""
    sound = f"{x} > '!' AND {x} < chr(160) AND {x}[-1] > ' ' AND {x}[-1] <> chr(160)"
    return f"CASE WHEN {sound} THEN {x} ELSE nullif(trim({x}, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '') END"


def _filtered(items: str, where: str) -> str:
    return f"coalesce(list_filter({items}, lambda x: coalesce({where}, false)), [])"


def _ended(x: str) -> str:
    """Whether its period is over, as far as its end is known."""
    end = f'left({x}.period."end", 10)'
    return f"coalesce({end} < left({_TODAY}, length({end})), false)"


def _begun(x: str) -> str:
    start = f"left({x}.period.start, 10)"
    return f"coalesce({start} <= left({_TODAY}, length({start})), true)"


def _live(x: str) -> str:
    return f"NOT {_ended(x)} AND {_begun(x)}"


def _rank(x: str, *whens: tuple[str, int]) -> str:
    arms = " ".join(f"WHEN {when} THEN {rank}" for when, rank in whens)
    return f"CASE {arms} END"


def _first(items: str, rank: str, then: str = "0") -> str:
    """The place of the first by rank, then by `then`, then as they stand; those whose rank is null are none."""
    keys = f"list_transform({items}, lambda x, i: [{rank}, {then}, i])"
    return f"list_sort({_filtered(keys, 'x[1] IS NOT NULL')})[1][3]"


def _codings(extensions: str, where: str) -> str:
    """All codings of those extensions for which `where` holds of `x`."""
    return f"flatten(list_transform({extensions}, lambda x: CASE WHEN {where} THEN x.valueCodeableConcept.coding END))"


_FROM, _TO = clean("x.period.start"), clean('x.period."end"')
_SINCE = "-coalesce(TRY_CAST(rpad(replace(left(x.period.start, 10), '-', ''), 8, '0') AS BIGINT), 0)"
"""The later it began the smaller."""

# http://fhir.nhs.net is the system of Care Connect's drafts.
_IS_NUMBER = (
    "lower(x.system) IN ('https://fhir.nhs.uk/id/nhs-number', 'http://fhir.nhs.uk/id/nhs-number',"
    " 'http://fhir.nhs.net/id/nhs-number', 'https://fhir.nhs.net/id/nhs-number')"
)
_STATUS_EXTENSION = "contains(replace(lower(x.url), '-', ''), 'nhsnumberverific')"
_ETHNIC_EXTENSION = "contains(replace(lower(x.url), '-', ''), 'ethniccategory')"
_ETHNICITY = clean(f"{_codings('p.extension', _ETHNIC_EXTENSION)}[1].code")
_OLD = f"(coalesce(x.use, '') = 'old' OR {_ended('x')})"
_TAIL = "[^/:#]+$"

# Of the names in use the registered one, then the usual one (PDS has no other), then one of no stated use.
_CALLED = _first(
    "p.name",
    f"CASE WHEN {_live('x')} THEN "
    + _rank("x", ("x.use = 'official'", 1), ("x.use = 'usual'", 2), ("x.use IS NULL", 3), ("x.use = 'temp'", 4))
    + " END",
)
_FORMER = _first(
    "p.name",
    f"CASE WHEN {clean('x.family')} IS NOT NULL THEN "
    + _rank("x", ("x.use = 'old'", 1), ("x.use = 'maiden'", 2), (_ended("x"), 3))
    + " END",
    _SINCE,
)
_HOME = _first(
    "p.address",
    f"CASE WHEN {_live('x')} AND coalesce(x.type, '') <> 'postal' THEN "
    + _rank("x", ("x.use = 'home'", 1), ("x.use IS NULL", 2))
    + " END",
    _SINCE,
)


_USABLE = (
    "x.system IN ('phone', 'sms', 'email') AND coalesce(x.use, '') <> 'old'"
    f" AND {_live('x')} AND {clean('x.value')} IS NOT NULL"
)
_TELECOMS = f"""list_sort(list_transform(p.telecom, lambda x, i: CASE WHEN {_USABLE} THEN struct_pack(
    rank := coalesce(TRY_CAST(x.rank AS BIGINT), 1000),
    use := {_rank("x", ("x.use = 'mobile'", 1), ("x.use = 'home'", 2), ("TRUE", 3))},
    place := i, is_mail := x.system = 'email') END))"""
"""The usable ones in order, and nulls."""


def _telecom(which: str) -> str:
    value = f"p.telecom[list_filter(telecoms, lambda x: {which})[1].place].value"
    return clean(
        f"CASE WHEN contains({value}, ':') THEN regexp_replace({value}, '^(tel|mailto):', '', 'i') ELSE {value} END"
    )


# AddressKey: an extension of two, its type and its value.
_UPRN = (
    "list_filter(flatten(list_transform(x.extension, lambda e:"
    " CASE WHEN list_contains(list_transform(e.extension, lambda k: k.valueCoding.code), 'UPRN')"
    " THEN list_transform(e.extension, lambda k: k.valueString) END)), lambda v: v IS NOT NULL)[1]"
)
_PLACE = f"""struct_pack(
    kind := CASE WHEN x.type = 'postal' OR x.use = 'billing' THEN 'correspondence' WHEN x.use IN ('home', 'old')
        THEN 'home' WHEN x.use = 'temp' THEN 'temporary' ELSE 'other' END,
    lines := list_filter(list_concat(list_transform(x.line, lambda l: {clean("l")}),
        [{clean("x.district")}, {clean("x.city")}]), lambda l: l IS NOT NULL),
    postcode := {clean("x.postalCode")},
    uprn := {clean(_UPRN)},
    from_date := {_FROM}, to_date := {_TO})"""

_NAME_KIND = f"""CASE WHEN x.use = 'maiden' THEN 'maiden' WHEN x.use = 'old' OR {_ended("x")} THEN 'previous'
    WHEN x.use = 'anonymous' THEN NULL ELSE 'known as' END"""
_OTHER_NAMES = f"""list_filter(list_transform(p.name, lambda x, i: struct_pack(
        chosen := i IS NOT DISTINCT FROM name_place, kind := {_NAME_KIND}, family := {clean("x.family")},
        given := x.given, from_date := {_FROM}, to_date := {_TO})),
    lambda n: NOT n.chosen AND n.kind IS NOT NULL)"""

_SCHEME = clean("coalesce(x.system, x.type.text, x.type.coding[1].code, 'no system given')")
_IDENTIFIER_KIND = f"""CASE WHEN {clean("x.value")} IS NULL THEN NULL
    WHEN NOT coalesce({_IS_NUMBER}, false) THEN 'other' WHEN {_OLD} THEN 'old' ELSE 'current' END"""
_IDENTIFIERS = f"""list_transform(coalesce(p.identifier, []), lambda x: struct_pack(kind := {_IDENTIFIER_KIND},
    scheme := {_SCHEME}, value := {clean("x.value")}, from_date := {_FROM}, to_date := {_TO}))"""
"""All in their order: current and old NHS numbers, others, and those without a value."""

_STATUS_CODE = (
    "CASE WHEN c.system IS NULL OR contains(lower(c.system), 'nhsnumberverific')"
    " OR contains(lower(c.system), 'nhs-number-') THEN lower(c.code) END"
)


def _organisation(reference: str, name: str) -> str:
    """Two columns: the ODS code that a reference gives, its own identifier or that of the resource it holds; else `at`.

    That is the id of the resource it points at, in the file.
    """
    tail = f"regexp_extract({reference}.reference, '{_TAIL}')"
    contained = (
        f"list_filter(coalesce(p.contained, []), lambda c: c.id = {tail}"
        f" AND coalesce(c.resourceType = 'Organization', false))[1].identifier[1].value"
    )
    own = f"coalesce({reference}.identifier.value, CASE WHEN {reference}.reference LIKE '#%' THEN {contained} END)"
    return f"{clean(own)} AS {name}, CASE WHEN {own} IS NULL THEN {tail} END AS {name}_at"


TAKEN = f"""
WITH shaped AS (
    SELECT file, record, line, resource_type,
        CASE WHEN resource_type = 'Patient' THEN {SOUND} ELSE true END AS is_sound,
        CASE WHEN resource_type = 'Patient' THEN from_json(json, '{PATIENT}') END AS p,
        CASE WHEN resource_type = 'Organization' THEN from_json(json, '{ORGANISATION}') END AS o
    FROM incoming
), placed AS (
    SELECT *, {_CALLED} AS name_place, {_FORMER} AS former_place, {_HOME} AS home_place, {_TELECOMS} AS telecoms,
        {_IDENTIFIERS} AS ids, list_position(list_transform(ids, lambda x: x.kind), 'current') AS number_place,
        {_filtered("p.generalPractitioner", f"NOT {_ended('x.identifier')}")}[1] AS gp
    FROM shaped
), stated AS (
    SELECT *, list_distinct(list_transform({_codings("p.identifier[number_place].extension", _STATUS_EXTENSION)},
        lambda c: {_STATUS_CODE})) AS status_codes
    FROM placed
)
SELECT file, record, line, resource_type, is_sound,
    CASE WHEN resource_type = 'Patient' THEN {clean("p.id")} ELSE 'another resource, ' || record END AS id,
    TRY_CAST(p.meta.lastUpdated AS TIMESTAMPTZ) AS last_updated, TRY_CAST(p.meta.versionId AS BIGINT) AS version,
    p.active AS active,
    len({_filtered("p.meta.security", "x.code = 'HTEST'")}) > 0 AS test,
    len({_filtered("p.meta.security", "x.code IN ('R', 'V', 'REDACTED')")}) > 0 AS restricted,
    len({_filtered("p.link", "x.type = 'replaced-by'")}) > 0 AS replaced,
    ids[number_place].value AS number,
    len(list_distinct(list_transform(ids,
        lambda x: CASE WHEN x.kind = 'current' THEN translate(x.value, ' -', '') END))) > 1 AS numbers_differ,
    status_codes[1] AS status_code, len(status_codes) > 1 AS statuses_differ,
    struct_pack(family := {clean("p.name[name_place].family")}, words := {clean("p.name[name_place].text")},
        given := list_filter(list_transform(p.name[name_place].given, lambda g: {clean("g")}), lambda g: g IS NOT NULL)
    ) AS called,
    {clean("p.name[former_place].family")} AS former,
    {clean("p.birthDate")} AS birth_date, {clean("p.gender")} AS gender,
    coalesce({clean("p.deceasedDateTime")}, CASE WHEN p.deceasedBoolean = 'true' THEN 'true' END) AS deceased,
    {_telecom("NOT x.is_mail")} AS phone, {_telecom("x.is_mail")} AS email,
    {_ETHNICITY} AS ethnicity,
    {_organisation("gp", "practice")},
    {_organisation("p.managingOrganization", "custodian")},
    o.id AS organisation, coalesce(
        list_filter(o.identifier, lambda x: contains(lower(x.system), 'ods-organi'))[1].value,
        o.identifier[1].value) AS organisation_code,
    list_transform(p.address, lambda x: {_PLACE}) AS addresses, addresses[home_place] AS home,
    {_OTHER_NAMES} AS names,
    list_filter(ids, lambda x: x.kind = 'other') AS identifiers,
    list_filter(ids, lambda x: x.kind = 'old') AS old_numbers,
    list_transform({_filtered("p.link", "x.type = 'replaces' AND x.other.reference IS NOT NULL")},
        lambda x: regexp_extract(x.other.reference, '{_TAIL}')) AS replaces
FROM stated
"""
"""What is kept of the resources as they are loaded."""

PREPARE = f"""
WITH known AS (
    SELECT file, organisation, {clean("min(organisation_code)")} AS code
    FROM raw_resource WHERE organisation IS NOT NULL GROUP BY file, organisation
)
SELECT r.* REPLACE (coalesce(r.practice, practice.code) AS practice, coalesce(r.custodian, custodian.code) AS custodian)
FROM raw_resource r
LEFT JOIN known practice ON practice.file = r.file AND practice.organisation = r.practice_at
LEFT JOIN known custodian ON custodian.file = r.file AND custodian.organisation = r.custodian_at
"""
"""The same with the organisations that stand as resources of their own."""
