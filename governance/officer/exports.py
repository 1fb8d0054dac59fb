"""Releases in the forms that other systems collect: FHIR R4 AuditEvent (IHE BALP) and OpenLineage run events.

Both are made from the log alone and name no person. An AuditEvent is of a whole release: its patient entity says how
many people there were, not who; `about.shared` answers for one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from governance.deidentify.transform import TRANSFORMS, Kind

_OUTCOMES = {"RELEASED": ("0", "Success", "COMPLETE"), "RELEASE_UNCERTAIN": ("4", "Minor failure", "COMPLETE")}
_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source"
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_SPEC = "https://openlineage.io/spec"
_PRODUCER = "urn:caretrace"

Entries = Iterable[Mapping[str, Any]]


def _disclosed(entries: Entries) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
    """Each release that left or may have: its outcome, its intent, and the agreement as recorded."""
    agreements, intents = {}, {}
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind == "AGREEMENT_RECORDED":
            agreements[body["agreement_id"], body["agreement_version"]] = body
        elif kind == "RELEASE_INTENT":
            intents[body["release_id"]] = entry
        elif kind in _OUTCOMES:
            intent = intents[body["release_id"]]
            key = intent["body"]["agreement_id"], intent["body"]["agreement_version"]
            yield entry, intent, agreements[key]


def audit_events(entries: Entries) -> dict[str, Any]:
    """A FHIR R4 Bundle of one AuditEvent for each release, after IHE BALP `PrivacyDisclosure.Source`."""
    events = [_audit_event(*each) for each in _disclosed(entries)]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": event} for event in events]}


def _audit_event(outcome: Mapping[str, Any], intent: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    asked, done = intent["body"], outcome["body"]
    code, display, _ = _OUTCOMES[outcome["type"]]
    controllers = list(facts.get("controllers", {}).items())
    source = _organisation(*controllers[0]) if controllers else {"display": "the controller of the agreement"}
    people = {"type": "Patient", "display": f"{done.get('people', 'an unknown number of')} people, named nowhere here"}
    said = f"{asked['agreement_id']} {asked['agreement_version']}"
    return {
        "resourceType": "AuditEvent",
        "id": asked["release_id"],
        "meta": {"profile": [_PROFILE]},
        "type": {"system": _DCM, "code": "110106", "display": "Export"},
        "subtype": [{"system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "code": "disclose"}],
        "action": "R",
        "recorded": outcome["at"],
        "outcome": code,
        "outcomeDesc": done.get("reason", display),
        "purposeOfEvent": [{"text": asked["purpose"]}],
        "agent": [
            _agent("110153", "Source Role ID", source),
            _agent("110152", "Destination Role ID", _organisation(asked["recipient"], facts["recipients"])),
        ],
        "source": {"observer": source},
        "entity": [
            _entity(people, "1", "Person", "1", "Patient"),
            _entity({"display": f"{asked['release_id']} under {said}"}, "2", "System Object", "3", "Report"),
        ],
    }


def _organisation(code: str, name: str | Mapping[str, str]) -> dict[str, Any]:
    named = name if isinstance(name, str) else name.get(code, code)
    return {"identifier": {"system": _ODS, "value": code}, "display": named}


def _agent(code: str, display: str, who: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": {"coding": [{"system": _DCM, "code": code, "display": display}]},
        "who": dict(who),
        "requestor": False,
        # The profile asks for an address; how an encrypted file is carried is not known here.
        "network": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]},
    }


def _entity(what: Mapping[str, Any], kind: str, kind_said: str, role: str, role_said: str) -> dict[str, Any]:
    base = "http://terminology.hl7.org/CodeSystem"
    return {
        "what": dict(what),
        "type": {"system": f"{base}/audit-entity-type", "code": kind, "display": kind_said},
        "role": {"system": f"{base}/object-role", "code": role, "display": role_said},
    }


def run_events(entries: Entries, *, origin: str) -> list[dict[str, Any]]:
    """OpenLineage events, START and COMPLETE for each release, with the lineage of each column that left.

    A column that leaves as it was is IDENTITY; any other is a TRANSFORMATION that masks. `origin` names the log, so
    that releases of two projects never share a run id.
    """
    events = []
    for outcome, intent, _ in _disclosed(entries):
        for state, at, outputs in (
            ("START", intent["at"], []),
            (_OUTCOMES[outcome["type"]][2], outcome["at"], _outputs(intent["body"])),
        ):
            events.append(_run_event(state, at, outputs, intent["body"], origin))
    return events


def _run_event(
    state: str, at: str, outputs: Sequence[Mapping[str, Any]], asked: Mapping[str, Any], origin: str
) -> dict[str, Any]:
    tables = sorted({field.partition(".")[0] for field in asked["fields"]})
    return {
        "eventType": state,
        "eventTime": at,
        "producer": _PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(uuid5(NAMESPACE_URL, f"{origin}/{asked['release_id']}"))},
        "job": {"namespace": "caretrace", "name": f"release.{asked['agreement_id']}"},
        "inputs": [{"namespace": "caretrace.run", "name": f"{asked['run_id']}.{table}"} for table in tables],
        "outputs": list(outputs),
    }


def _outputs(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    lineage: dict[str, dict[str, Any]] = {}
    for field in asked["fields"]:
        path, _, transform = field.partition(" ")
        table, _, name = path.partition(".")
        same = transform in TRANSFORMS and TRANSFORMS[transform].kind is Kind.KEEP
        how = {
            "type": "DIRECT",
            "subtype": "IDENTITY" if same else "TRANSFORMATION",
            "description": transform,
            "masking": not same,
        }
        given = {"namespace": "caretrace.run", "name": f"{asked['run_id']}.{table}", "field": name}
        lineage.setdefault(table, {})[name] = {"inputFields": [given | {"transformations": [how]}]}
    facet = f"{_SPEC}/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
    return [
        {
            "namespace": "caretrace.release",
            "name": f"{asked['release_id']}.{table}",
            "facets": {"columnLineage": {"_producer": _PRODUCER, "_schemaURL": facet, "fields": fields}},
        }
        for table, fields in sorted(lineage.items())
    ]
