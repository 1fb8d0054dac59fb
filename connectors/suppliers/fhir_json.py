"""SQL that makes columns of FHIR Patient resources: the present name, address and number, and lists of the others.

`TAKEN` and `PREPARE` are said of the resources of `connectors.suppliers.fhir`. Of several candidates that with the
least key, one whole number, is chosen.
"""

from __future__ import annotations

from connectors.files.layouts import NOT_JSON
from connectors.suppliers.fhir_lists import (
    PLACES,
    clean,
    codes,
    differ,
    ended,
    filtered,
    first,
    holds,
    live,
    rank,
    within,
)
from connectors.suppliers.fhir_shape import CONTAINED, LINK, ORGANISATION, PATIENT, SOUND

ELSEWHERE = "r.resource_type IS DISTINCT FROM 'Patient'"
"""SQL: the record is a resource of another type."""

_DAY = "TRY_CAST(rpad(replace(left(x.period.start, 10), '-', ''), 8, '0') AS BIGINT)"
_SINCE = f"CASE WHEN x.period IS NULL THEN 99999999 ELSE 99999999 - least(coalesce({_DAY}, 0), 99999999) END"
"""The later it began the smaller."""

# http://fhir.nhs.net is the system of Care Connect's drafts.
_IS_NUMBER = (
    "x.system = 'https://fhir.nhs.uk/Id/nhs-number' OR lower(x.system) IN ('https://fhir.nhs.uk/id/nhs-number', 'http://fhir.nhs.uk/id/nhs-number',"
    " 'http://fhir.nhs.net/id/nhs-number', 'https://fhir.nhs.net/id/nhs-number')"
)
# The words as UK Core has them first: most are found so.
_STATUS_EXTENSION = (
    "contains(x.url, 'NHSNumberVerific') OR contains(replace(lower(x.url), '-', ''), 'nhsnumberverific')"
)
_ETHNIC_EXTENSION = "contains(x.url, 'EthnicCategory') OR contains(replace(lower(x.url), '-', ''), 'ethniccategory')"
_ETHNICITY = f"{codes('p.extension', _ETHNIC_EXTENSION, 'c.code')}[1]"
_OLD = f"(coalesce(x.use, '') = 'old' OR {ended('x')})"

# Of the names in use the registered one, then the usual one (PDS has no other), then one of no stated use.
_CALLED = first(
    "p.name",
    f"CASE WHEN {live('x')} THEN "
    + rank(("x.use = 'official'", 1), ("x.use = 'usual'", 2), ("x.use IS NULL", 3), ("x.use = 'temp'", 4))
    + " END",
)
_FORMER = first(
    "p.name",
    f"CASE WHEN ({_OLD} OR x.use = 'maiden') AND {clean('x.family')} IS NOT NULL THEN "
    + rank(("x.use = 'old'", 1), ("x.use = 'maiden'", 2), ("TRUE", 3))
    + " END",
    _SINCE,
)
_HOME = first(
    "p.address",
    f"CASE WHEN {live('x')} AND coalesce(x.type, '') <> 'postal' THEN "
    + rank(("x.use = 'home'", 1), ("x.use IS NULL", 2))
    + " END",
    _SINCE,
)


_USABLE = (
    "x.system IN ('phone', 'sms', 'email') AND coalesce(x.use, '') <> 'old'"
    f" AND {live('x')} AND {clean('x.value')} IS NOT NULL"
)
_TELECOMS = f"""list_transform(p.telecom, lambda x, i: CASE WHEN {_USABLE} THEN
    ((least(greatest(coalesce(TRY_CAST(x.rank AS BIGINT), 1000), 0), 2147483647) * 4
        + {rank(("x.use = 'mobile'", 1), ("x.use = 'home'", 2), ("TRUE", 3))}) * {PLACES} + i) * 2
    + CASE WHEN x.system = 'email' THEN 1 ELSE 0 END END)"""
"""Keys of the usable ones, odd where they are for mail, and nulls. A rank has 31 bits (positiveInt)."""


def _telecom(which: int) -> str:
    place = f"list_min(list_filter(telecoms, lambda x: x % 2 = {which})) // 2 % {PLACES}"
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


def _place(x: str) -> str:
    """An address: what it is for, its lines with district and city, and what stands for itself."""
    town = f"[{x}.district, {x}.city]"
    uprn = clean(_UPRN.replace("x.", f"{x}."))
    return f"""struct_pack(
        kind := CASE WHEN {x}.type = 'postal' OR {x}.use = 'billing' THEN 'correspondence'
            WHEN {x}.use IN ('home', 'old') THEN 'home' WHEN {x}.use = 'temp' THEN 'temporary' ELSE 'other' END,
        lines := list_filter(list_transform(
            CASE WHEN {x}.district IS NULL AND {x}.city IS NULL THEN {x}.line ELSE list_concat({x}.line, {town}) END,
            lambda l: {clean("l")}), lambda l: l IS NOT NULL),
        postcode := {clean(f"{x}.postalCode")}, uprn := CASE WHEN {x}.extension IS NOT NULL THEN {uprn} END,
        {within(x)})"""


_NAME_KIND = f"""CASE WHEN x.use = 'maiden' THEN 'maiden' WHEN x.use = 'old' OR {ended("x")} THEN 'previous'
    WHEN x.use = 'anonymous' THEN NULL ELSE 'known as' END"""
_OTHER_NAMES = f"""CASE WHEN len(p.name) > 1 OR name_place IS NULL THEN list_filter(list_transform(p.name,
    lambda x, i: struct_pack(chosen := i IS NOT DISTINCT FROM name_place, kind := {_NAME_KIND},
        family := {clean("x.family")}, given := x.given, {within("x")})),
    lambda n: NOT n.chosen AND n.kind IS NOT NULL) END"""

_SCHEME = "coalesce(x.system, x.type.text, x.type.coding[1].code, 'no system given')"
_IDENTIFIER_KIND = f"CASE WHEN {_IS_NUMBER} THEN CASE WHEN {_OLD} THEN 'old' ELSE 'current' END ELSE 'other' END"
_IDENTIFIERS = f"""list_transform(p.identifier, lambda x: struct_pack(kind := {_IDENTIFIER_KIND},
    scheme := {_SCHEME}, value := {clean("x.value")}, {within("x")}))"""
"""All in their order: current and old NHS numbers, and others; some may be without a value."""


def _beside(kind: str) -> str:
    """Those of a kind that have a value; many resources have nothing but the number in use."""
    filtered = f"list_filter(ids, lambda x: x.kind = '{kind}' AND x.value IS NOT NULL)"
    return f"CASE WHEN len(ids) > 1 OR number_place IS NULL THEN {filtered} END"


_CURRENT = "CASE WHEN x.kind = 'current' THEN x.value END"
_CURRENT_NUMBERS = f"list_transform(ids, lambda x: translate({_CURRENT}, ' -', ''))"

_STATUS_CODE = (
    "CASE WHEN c.system IS NULL OR contains(c.system, 'NHSNumberVerific')"
    " OR contains(lower(c.system), 'nhsnumberverific') OR contains(lower(c.system), 'nhs-number-')"
    " THEN lower(c.code) END"
)


_PRACTICES = "p.generalPractitioner"
_PRACTICE = f"""CASE WHEN {_PRACTICES}[1].identifier.period IS NULL THEN {_PRACTICES}[1]
    ELSE {filtered(_PRACTICES, f"NOT {ended('x.identifier')}")}[1] END"""


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
        {_PRACTICE} AS gp
    FROM shaped
), numbered AS (
    SELECT *, list_min(list_transform(ids, lambda x, i: CASE WHEN {_CURRENT} IS NOT NULL THEN i END)) AS number_place
    FROM placed
), stated AS (
    -- What is named several times below is found here once.
    SELECT *, {codes("p.identifier[number_place].extension", _STATUS_EXTENSION, _STATUS_CODE)} AS status_codes,
        p.name[name_place] AS name, p.address[1] AS address, {_ETHNICITY} AS ethnic_code,
        CASE WHEN former_place IS NOT NULL THEN p.name[former_place].family END AS former_family,
        {_telecom(0)} AS phone_as_held, {_telecom(1)} AS email_as_held,
        {_organisation("gp")} AS own_practice, {_organisation("p.managingOrganization")} AS own_custodian
    FROM numbered
)
SELECT file, record, line, resource_type, rule, is_sound,
    CASE WHEN resource_type = 'Patient' THEN {clean("p.id")} ELSE 'another resource, ' || record END AS id,
    TRY_CAST(p.meta.lastUpdated AS TIMESTAMPTZ) AS last_updated, TRY_CAST(p.meta.versionId AS BIGINT) AS version,
    p.active AS active,
    {holds("p.meta.security", "x.code = 'HTEST'")} AS test,
    {holds("p.meta.security", "x.code IN ('R', 'V', 'REDACTED')")} AS restricted,
    {holds("links", "x.type = 'replaced-by'")} AS replaced,
    ids[number_place].value AS number,
    CASE WHEN len(ids) > 1 THEN {differ(_CURRENT_NUMBERS)} ELSE false END AS numbers_differ,
    list_min(status_codes) AS status_code, {differ("status_codes")} AS statuses_differ,
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
    CASE WHEN len(p.address) = 1 THEN [{_place("address")}]
        ELSE list_transform(p.address, lambda x: {_place("x")}) END AS addresses, home_place,
    {_OTHER_NAMES} AS names,
    {_beside("other")} AS identifiers, {_beside("old")} AS old_numbers,
    CASE WHEN links IS NOT NULL THEN list_transform(
        {filtered("links", "x.type = 'replaces' AND x.other.reference IS NOT NULL")},
        lambda x: {_tail("x.other")}) END AS replaces
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
