"""CareRecord_Observation and Coding_ClinicalCode: the few coded entries that say something about a person's data.

An observation names its code by EMIS's own id; the coding file says which Read v2 code and SNOMED concept that is.
There are hundreds of observations a patient, so only those that say something are loaded, and deletions, which name no
code.
"""

from __future__ import annotations

from connectors import values
from connectors.supplier import Kind, Lookup, Repeats, Row, Rule
from connectors.suppliers.emis.common import DELETED, IS_DELETED, NEWEST, ORGANISATION, SOURCE_ORG, row, titles
from connectors.suppliers.gp_codes import Codes, rounded
from schemas.dates import Form

_COLUMNS = {"read2": "{}.ReadTermId", "snomed": "{}.SnomedCTConceptId"}
# Some versions have the text beside a code, the others only its value.
_NUMBER = "coalesce(r.AssociatedText, regexp_replace(r.Value, '\\.0+$', ''))"


def _says(codes: Codes, record: str) -> str:
    return codes.sql(**{system: column.format(record) for system, column in _COLUMNS.items()})


def clinical_code(codes: Codes) -> Kind:
    """What EMIS's code ids stand for."""
    return Kind(
        name="clinical_code",
        columns=titles("CodeId Term ReadTermId SnomedCTConceptId ProcessingId"),
        required=("CodeId", "ReadTermId", "SnomedCTConceptId"),
        row=Row(("CodeId",)),
        newest=NEWEST,
        refuse=(
            Rule(
                "a SNOMED id was rounded to 15 digits by a spreadsheet, so that codes are mistaken or missed; export"
                " the file again and do not open it on the way",
                rounded("r.SnomedCTConceptId"),
            ),
        ),
        # 5.4 has the parent last, 8.x before ProcessingId: the order of columns is nothing to go by.
        versions=(("5.4 or 8.x", ("ParentCodeID",)), ("5.x", ())),
    )


def observation(codes: Codes) -> Kind:
    """Opt-outs, refusals and social services numbers among the observations."""
    meant = f"SELECT c.CodeId FROM raw_clinical_code c WHERE {_says(codes, 'c')} IS NOT NULL"
    day = values.day("r.EffectiveDate", Form.ISO)
    # Of a year alone EMIS writes the first of January.
    latest = (
        f"CASE r.EffectiveDatePrecision WHEN 'Y' THEN make_date(year({day.parsed}), 12, 31)"
        f" WHEN 'YM' THEN last_day({day.parsed}) ELSE {day.parsed} END"
    )
    return Kind(
        name="observation",
        columns=titles(
            "ObservationGuid PatientGuid OrganisationGuid EffectiveDate EffectiveDatePrecision CodeId Value "
            "AssociatedText Deleted IsConfidential ProcessingId"
        ),
        required=("ObservationGuid", "PatientGuid", "OrganisationGuid", "CodeId", "Deleted"),
        # What was loaded from an earlier delivery may have got another code since, which takes it back.
        wanted=f"r.CodeId IN ({meant}) OR {IS_DELETED}"
        " OR r.ObservationGuid IN (SELECT ObservationGuid FROM loaded_observation)",
        needs=("clinical_code",),
        organisations=(
            ORGANISATION,
            Lookup(
                alias="coding",
                kinds=("clinical_code",),
                where="true",
                order=NEWEST,
                on=(("CodeId", "r.CodeId"),),
                raw=True,
            ),
        ),
        record_id="r.PatientGuid",
        source_org=SOURCE_ORG,
        key_columns=("ObservationGuid", "OrganisationGuid"),
        row=row("ObservationGuid", person="PatientGuid"),
        repeats=Repeats.LATEST,
        repeat_key=("source_org", "ObservationGuid"),
        newest=NEWEST,
        exclude=(
            DELETED,
            Rule("no PatientGuid", "r.PatientGuid IS NULL", ("PatientGuid",)),
            Rule("its code was changed to one that says nothing here", "r.says IS NULL", ("CodeId",)),
            *codes.left_out(("CodeId",)),
            # A refusal is honoured whoever may see it; a number kept from others is not passed on.
            Rule(
                "a confidential entry, and no opt-out",
                f"{values.is_true('r.IsConfidential')} AND {codes.identifying}",
                ("IsConfidential",),
            ),
            Rule(
                "its mark of confidentiality is neither yes nor no: taken for yes, and it is no opt-out",
                f"coalesce(lower(r.IsConfidential) NOT IN ({values.listed(values.FALSE_WORDS)}), false)"
                f" AND {codes.identifying}",
                ("IsConfidential",),
            ),
            codes.numberless(_NUMBER, ("CodeId",)),
        ),
        dependant=True,
        versions=(("8.x", ("Qualifiers", "Episode")), ("5.x", ("AssociatedText",))),
        fills=codes.fills(day=day, number=_NUMBER, latest=latest),
        derived={"says": _says(codes, "coding")},
    )
