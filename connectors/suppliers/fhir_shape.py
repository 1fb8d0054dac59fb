"""What is read of a FHIR Patient and of an Organization: the elements, as DuckDB's from_json is told them."""

from __future__ import annotations

_PERIOD = '{"start":"VARCHAR","end":"VARCHAR"}'
_CONCEPT = '{"text":"VARCHAR","coding":[{"system":"VARCHAR","code":"VARCHAR"}]}'
_IDENTIFIER = '{"system":"VARCHAR","value":"VARCHAR"}'
_REFERENCE = f'{{"reference":"VARCHAR","identifier":{{"system":"VARCHAR","value":"VARCHAR","period":{_PERIOD}}}}}'
PATIENT = f"""{{
    "id":"VARCHAR",
    "meta":{{"versionId":"VARCHAR","lastUpdated":"VARCHAR","security":[{{"code":"VARCHAR"}}]}},
    "active":"VARCHAR","gender":"VARCHAR","birthDate":"VARCHAR",
    "deceasedBoolean":"VARCHAR","deceasedDateTime":"VARCHAR",
    "identifier":[{{"use":"VARCHAR","system":"VARCHAR","value":"VARCHAR","type":{_CONCEPT},"period":{_PERIOD},
                    "extension":[{{"url":"VARCHAR","valueCodeableConcept":{_CONCEPT}}}]}}],
    "extension":[{{"url":"VARCHAR","valueCodeableConcept":{_CONCEPT}}}],
    "name":[{{"use":"VARCHAR","text":"VARCHAR","family":"VARCHAR","given":["VARCHAR"],"period":{_PERIOD}}}],
    "telecom":[{{"system":"VARCHAR","value":"VARCHAR","use":"VARCHAR","rank":"VARCHAR","period":{_PERIOD}}}],
    "address":[{{"use":"VARCHAR","type":"VARCHAR","line":["VARCHAR"],"city":"VARCHAR","district":"VARCHAR",
                 "postalCode":"VARCHAR","period":{_PERIOD},
                 "extension":[{{"url":"VARCHAR","extension":[
                    {{"url":"VARCHAR","valueString":"VARCHAR","valueCoding":{{"code":"VARCHAR"}}}}]}}]}}],
    "generalPractitioner":[{_REFERENCE}],
    "managingOrganization":{_REFERENCE},
    "link":"JSON","contained":"JSON"
}}"""
LINK = '[{"type":"VARCHAR","other":{"reference":"VARCHAR"}}]'
CONTAINED = f'[{{"resourceType":"VARCHAR","id":"VARCHAR","identifier":[{_IDENTIFIER}]}}]'
"""What few Patients have is told as it stands in the text, and parsed where it does."""
ORGANISATION = f'{{"id":"VARCHAR","identifier":[{_IDENTIFIER}]}}'

_LISTS = ("identifier", "name", "telecom", "address", "extension", "generalPractitioner")
_RARE = ("link", "contained")
_TEXTS = ("id", "gender", "birthDate", "deceasedDateTime")
_KINDS = [f"'$.{each}'" for each in (*_LISTS, *_RARE, *_TEXTS)]
_EXACTLY = (
    f"list_bool_and(list_transform(json_type(json, [{', '.join(_KINDS)}]), lambda t, i: t IS NULL OR t = 'NULL'"
    f" OR t = CASE WHEN i <= {len(_LISTS) + len(_RARE)} THEN 'ARRAY' ELSE 'VARCHAR' END))"
)
# No number, true, false, list or object looks like these once it is text.
_LIKE_TEXT = {
    "id": "(p.id >= 'A' AND p.id < '[' OR p.id[9] = '-' AND p.id[8] NOT IN ('e', 'E') AND p.id[1] < '[')",
    "gender": "coalesce(p.gender IN ('male', 'female', 'other', 'unknown'), true)",
    "birthDate": "coalesce(p.birthDate LIKE '____-%' AND p.birthDate >= '1' AND p.birthDate < '3', true)",
}
_PLAINLY = (
    *(f"p.{each} IS NOT NULL" for each in _LISTS),
    *(f"coalesce(starts_with(CAST(p.{each} AS VARCHAR), '['), true)" for each in _RARE),
    *_LIKE_TEXT.values(),
    "p.deceasedDateTime IS NULL",
)
SOUND = f"CASE WHEN {' AND '.join(_PLAINLY)} THEN true ELSE {_EXACTLY} END"
"""SQL over `json` and `p`, its elements: lists stand where lists are due, and texts where texts are; the rest is read
whatever it is. What shows in the elements is not asked of the text, which would be parsed again."""
