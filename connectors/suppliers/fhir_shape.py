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
    "link":[{{"type":"VARCHAR","other":{{"reference":"VARCHAR"}}}}],
    "contained":[{{"resourceType":"VARCHAR","id":"VARCHAR","identifier":[{_IDENTIFIER}]}}]
}}"""
ORGANISATION = f'{{"id":"VARCHAR","identifier":[{_IDENTIFIER}]}}'

_LISTS = ("identifier", "name", "telecom", "address", "extension", "generalPractitioner", "link", "contained")
_TEXTS = ("id", "gender", "birthDate", "deceasedDateTime")
_KINDS = [*(f"'$.{each}'" for each in _LISTS), *(f"'$.{each}'" for each in _TEXTS)]
SOUND = (
    f"list_bool_and(list_transform(json_type(json, [{', '.join(_KINDS)}]), lambda t, i: t IS NULL OR t = 'NULL'"
    f" OR t = CASE WHEN i <= {len(_LISTS)} THEN 'ARRAY' ELSE 'VARCHAR' END))"
)
"""SQL over `json`: lists stand where lists are due, and texts where texts are; the rest is read whatever it is."""
