"""SQL that makes columns of FHIR Patient resources: the present name, address and number, and lists of the others.

`TAKEN` and `PREPARE` are said of the resources of `connectors.suppliers.fhir`. Lists are worked on in place by DuckDB's
list functions; of several candidates that with the least key, one whole number, is chosen. What few resources have is
asked for behind a CASE: DuckDB spares the others what stands in it.
"""

from __future__ import annotations

from connectors.files.layouts import NOT_JSON
from connectors.suppliers.fhir_shape import CONTAINED, LINK, ORGANISATION, PATIENT, SOUND

ELSEWHERE = "r.resource_type IS DISTINCT FROM 'Patient'"
"""SQL: the record is a resource of another type."""


_TODAY = "CAST(reading_day() AS VARCHAR)"


def clean(x: str) -> str:
    """A text without space around it, null where nothing is left; what plainly has none is spared the dear trim."""
    sound = f"{x} > '!' AND {x} < chr(160) AND {x}[-1] BETWEEN '!' AND '~'"
    return f"CASE WHEN {sound} THEN {x} ELSE nullif(trim({x}, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '') END"


def _filtered(items: str, where: str) -> str:
    return f"coalesce(list_filter({items}, lambda x: coalesce({where}, false)), [])"


def _ended(x: str) -> str:
    """Whether its period is over, as far as its end is known."""
    end = f'left({x}.period."end", 10)'
    return f"({x}.period IS NOT NULL AND coalesce({end} < left({_TODAY}, length({end})), false))"


def _live(x: str) -> str:
    """Whether its period has begun and is not over, as far as they are known."""
    start = f"left({x}.period.start, 10)"
    begun = f"coalesce({start} <= left({_TODAY}, length({start})), true)"
    return f"({x}.period IS NULL OR NOT {_ended(x)} AND {begun})"


def _rank(x: str, *whens: tuple[str, int]) -> str:
    arms = " ".join(f"WHEN {when} THEN {rank}" for when, rank in whens)
    return f"CASE {arms} END"


# A text of MAX_DOCUMENT has fewer elements than that in all its lists.
_PLACES = 1 << 28


def _first(items: str, rank: str, then: str = "0") -> str:
    """The place of the first by rank, then by `then`, then as they stand; those whose rank is null are none."""
    keys = f"list_transform({items}, lambda x, i: (CAST({rank} AS BIGINT) * 100000000 + {then}) * {_PLACES} + i)"
    return f"list_min({keys}) % {_PLACES}"


def _differ(items: str) -> str:
    """Whether there are two that differ."""
    return f"coalesce(list_min({items}) <> list_max({items}), false)"


def _codes(extensions: str, where: str, code: str) -> str:
    """What `code` gives of all codings `c` of those extensions for which `where` holds of `x`."""
    codes = f"list_transform(x.valueCodeableConcept.coding, lambda c: {code})"
    return f"flatten(list_transform({extensions}, lambda x: CASE WHEN {where} THEN {codes} END))"


_FROM, _TO = clean("x.period.start"), clean('x.period."end"')
_DAY = "TRY_CAST(rpad(replace(left(x.period.start, 10), '-', ''), 8, '0') AS BIGINT)"
_SINCE = f"99999999 - least(coalesce({_DAY}, 0), 99999999)"
"""The later it began the smaller."""

# http://fhir.nhs.net is the system of Care Connect's drafts.
_IS_NUMBER = (
    "x.system = 'https://fhir.nhs.uk/Id/nhs-number' OR lower(x.system) IN ('https://fhir.nhs.uk/id/nhs-number', 'http://fhir.nhs.uk/id/nhs-number',"
    " 'http://fhir.nhs.net/id/nhs-number', 'https://fhir.nhs.net/id/nhs-number')"
)
_STATUS_EXTENSION = "contains(replace(lower(x.url), '-', ''), 'nhsnumberverific')"
_ETHNIC_EXTENSION = "contains(replace(lower(x.url), '-', ''), 'ethniccategory')"
_ETHNICITY = f"{_codes('p.extension', _ETHNIC_EXTENSION, 'c.code')}[1]"
_OLD = f"(coalesce(x.use, '') = 'old' OR {_ended('x')})"

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
_TELECOMS = f"""list_transform(p.telecom, lambda x, i: CASE WHEN {_USABLE} THEN
    ((least(greatest(coalesce(TRY_CAST(x.rank AS BIGINT), 1000), 0), 2147483647) * 4
        + {_rank("x", ("x.use = 'mobile'", 1), ("x.use = 'home'", 2), ("TRUE", 3))}) * {_PLACES} + i) * 2
    + CASE WHEN x.system = 'email' THEN 1 ELSE 0 END END)"""
"""Keys of the usable ones, odd where they are for mail, and nulls. A rank has 31 bits (positiveInt)."""


def _telecom(which: int) -> str:
    place = f"list_min(list_filter(telecoms, lambda x: x % 2 = {which})) // 2 % {_PLACES}"
    return f"list_transform(p.telecom, lambda x: x.value)[{place}]"


def _without_scheme(x: str) -> str:
    """A telephone number or an address of mail, which may be written as a URI."""
    return clean(f"CASE WHEN contains({x}, ':') THEN regexp_replace({x}, '^(tel|mailto):', '', 'i') ELSE {x} END")


# AddressKey: an extension of two, its type and its value.
_UPRN = (
    "list_filter(flatten(list_transform(x.extension, lambda e:"
    " CASE WHEN list_contains(list_transform(e.extension, lambda k: k.valueCoding.code), 'UPRN')"
    " THEN list_transform(e.extension, lambda k: k.valueString) END)), lambda v: v IS NOT NULL)[1]"
)
_PLACE = f"""struct_pack(
    kind := CASE WHEN x.type = 'postal' OR x.use = 'billing' THEN 'correspondence' WHEN x.use IN ('home', 'old')
        THEN 'home' WHEN x.use = 'temp' THEN 'temporary' ELSE 'other' END,
    lines := list_filter(list_transform(list_concat(x.line,
        CASE WHEN x.district IS NOT NULL OR x.city IS NOT NULL THEN [x.district, x.city] END),
        lambda l: {clean("l")}), lambda l: l IS NOT NULL),
    postcode := {clean("x.postalCode")},
    uprn := CASE WHEN x.extension IS NOT NULL THEN {clean(_UPRN)} END,
    from_date := {_FROM}, to_date := {_TO})"""

_NAME_KIND = f"""CASE WHEN x.use = 'maiden' THEN 'maiden' WHEN x.use = 'old' OR {_ended("x")} THEN 'previous'
    WHEN x.use = 'anonymous' THEN NULL ELSE 'known as' END"""
_OTHER_NAMES = f"""CASE WHEN len(p.name) > 1 OR name_place IS NULL THEN list_filter(list_transform(p.name,
    lambda x, i: struct_pack(chosen := i IS NOT DISTINCT FROM name_place, kind := {_NAME_KIND},
        family := {clean("x.family")}, given := x.given, from_date := {_FROM}, to_date := {_TO})),
    lambda n: NOT n.chosen AND n.kind IS NOT NULL) END"""

_SCHEME = "coalesce(x.system, x.type.text, x.type.coding[1].code, 'no system given')"
_IDENTIFIER_KIND = f"CASE WHEN NOT coalesce({_IS_NUMBER}, false) THEN 'other' WHEN {_OLD} THEN 'old' ELSE 'current' END"
_IDENTIFIERS = f"""list_transform(p.identifier, lambda x: struct_pack(kind := {_IDENTIFIER_KIND},
    scheme := {_SCHEME}, value := {clean("x.value")}, from_date := {_FROM}, to_date := {_TO}))"""
"""All in their order: current and old NHS numbers, and others; some may be without a value."""
_CURRENT = "CASE WHEN x.kind = 'current' THEN x.value END"
_CURRENT_NUMBERS = f"list_transform(ids, lambda x: translate({_CURRENT}, ' -', ''))"

_NUMBER_EXTENSIONS = "list_transform(p.identifier, lambda x: x.extension)[number_place]"
_STATUS_CODE = (
    "CASE WHEN c.system IS NULL OR contains(lower(c.system), 'nhsnumberverific')"
    " OR contains(lower(c.system), 'nhs-number-') THEN lower(c.code) END"
)


def _tail(reference: str) -> str:
    """The id of the resource that a reference points at."""
    return f"regexp_extract({reference}.reference, '[^/:#]+$')"


def _organisation(reference: str) -> str:
    """The ODS code that a reference gives: its own identifier or that of the resource it holds."""
    contained = (
        f"list_filter(coalesce(contained, []), lambda c: c.id = {_tail(reference)}"
        f" AND coalesce(c.resourceType = 'Organization', false))[1].identifier[1].value"
    )
    return f"coalesce({reference}.identifier.value, CASE WHEN {reference}.reference LIKE '#%' THEN {contained} END)"


TAKEN = f"""
WITH elements AS (
    SELECT file, record, line, resource_type, json,
        CASE WHEN resource_type = 'Patient' THEN TRY(from_json(json, '{PATIENT}')) END AS p,
        CASE WHEN resource_type = 'Organization' THEN from_json(json, '{ORGANISATION}') END AS o
    FROM incoming
), shaped AS (
    SELECT * EXCLUDE (json), CASE WHEN resource_type = 'Patient' AND p IS NULL THEN '{NOT_JSON}' END AS rule,
        CASE WHEN p IS NOT NULL THEN {SOUND} ELSE true END AS is_sound,
        CASE WHEN p.link IS NOT NULL THEN from_json(p.link, '{LINK}') END AS links,
        CASE WHEN p.contained IS NOT NULL THEN from_json(p.contained, '{CONTAINED}') END AS contained
    FROM elements
), placed AS (
    SELECT *, {_CALLED} AS name_place, {_FORMER} AS former_place, {_HOME} AS home_place, {_TELECOMS} AS telecoms,
        {_IDENTIFIERS} AS ids,
        {_filtered("p.generalPractitioner", f"NOT {_ended('x.identifier')}")}[1] AS gp
    FROM shaped
), numbered AS (
    SELECT *, list_min(list_transform(ids, lambda x, i: CASE WHEN {_CURRENT} IS NOT NULL THEN i END)) AS number_place
    FROM placed
), stated AS (
    -- What is named several times below is found here once.
    SELECT *, {_codes(_NUMBER_EXTENSIONS, _STATUS_EXTENSION, _STATUS_CODE)} AS status_codes,
        p.name[name_place] AS name, p.name[former_place].family AS former_family, {_ETHNICITY} AS ethnic_code,
        {_telecom(0)} AS phone_as_held, {_telecom(1)} AS email_as_held,
        {_organisation("gp")} AS own_practice, {_organisation("p.managingOrganization")} AS own_custodian
    FROM numbered
)
SELECT file, record, line, resource_type, rule, is_sound,
    CASE WHEN resource_type = 'Patient' THEN {clean("p.id")} ELSE 'another resource, ' || record END AS id,
    TRY_CAST(p.meta.lastUpdated AS TIMESTAMPTZ) AS last_updated, TRY_CAST(p.meta.versionId AS BIGINT) AS version,
    p.active AS active,
    len({_filtered("p.meta.security", "x.code = 'HTEST'")}) > 0 AS test,
    len({_filtered("p.meta.security", "x.code IN ('R', 'V', 'REDACTED')")}) > 0 AS restricted,
    len({_filtered("links", "x.type = 'replaced-by'")}) > 0 AS replaced,
    ids[number_place].value AS number,
    CASE WHEN len(ids) > 1 THEN {_differ(_CURRENT_NUMBERS)} ELSE false END AS numbers_differ,
    list_min(status_codes) AS status_code, {_differ("status_codes")} AS statuses_differ,
    struct_pack(family := {clean("name.family")}, words := {clean("name.text")},
        given := list_filter(list_transform(name.given, lambda g: {clean("g")}), lambda g: g IS NOT NULL)
    ) AS called,
    {clean("former_family")} AS former,
    {clean("p.birthDate")} AS birth_date, {clean("p.gender")} AS gender,
    coalesce({clean("p.deceasedDateTime")}, CASE WHEN p.deceasedBoolean = 'true' THEN 'true' END) AS deceased,
    {_without_scheme("phone_as_held")} AS phone, {_without_scheme("email_as_held")} AS email,
    {clean("ethnic_code")} AS ethnicity,
    {clean("own_practice")} AS practice, CASE WHEN own_practice IS NULL THEN {_tail("gp")} END AS practice_at,
    {clean("own_custodian")} AS custodian,
    CASE WHEN own_custodian IS NULL THEN {_tail("p.managingOrganization")} END AS custodian_at,
    o.id AS organisation, coalesce(
        list_filter(o.identifier, lambda x: contains(lower(x.system), 'ods-organi'))[1].value,
        o.identifier[1].value) AS organisation_code,
    list_transform(p.address, lambda x: {_PLACE}) AS addresses, home_place,
    {_OTHER_NAMES} AS names,
    list_filter(ids, lambda x: x.kind = 'other' AND x.value IS NOT NULL) AS identifiers,
    list_filter(ids, lambda x: x.kind = 'old' AND x.value IS NOT NULL) AS old_numbers,
    list_transform({_filtered("links", "x.type = 'replaces' AND x.other.reference IS NOT NULL")},
        lambda x: {_tail("x.other")}) AS replaces
FROM stated
"""
"""What is kept of the resources as they are loaded."""

PREPARE = f"""
WITH known AS (
    SELECT file, organisation, {clean("min(organisation_code)")} AS code
    FROM raw_resource WHERE organisation IS NOT NULL GROUP BY file, organisation
)
SELECT r.* REPLACE (coalesce(r.practice, practice.code) AS practice, coalesce(r.custodian, custodian.code) AS custodian)
    , r.addresses[r.home_place] AS home
FROM raw_resource r
LEFT JOIN known practice ON practice.file = r.file AND practice.organisation = r.practice_at
LEFT JOIN known custodian ON custodian.file = r.file AND custodian.organisation = r.custodian_at
"""
"""The same with the address in use, and with the organisations that stand as resources of their own."""
