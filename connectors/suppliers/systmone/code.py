"""SRCode: the few coded entries that say something about a person's data; SRNDOptOutPreference."""

from __future__ import annotations

from connectors.supplier import Fill, Kind, Rule
from connectors.suppliers.gp_codes import Codes
from connectors.suppliers.systmone.common import REMOVED, day, of_a_patient
from connectors.values import Value, constant
from schemas import OPT_OUT

_NUMBER = "regexp_replace(r.NumericValue, '\\.0+$', '')"


def coded_entry(codes: Codes) -> Kind:
    """Opt-outs, refusals and social services numbers; one recorded elsewhere is as good as the practice's own."""
    says = codes.sql(ctv3="r.CTV3Code", snomed="r.SNOMEDCode")
    return of_a_patient(
        "coded_entry",
        "DateEvent CTV3Code SNOMEDCode NumericValue",
        ("DateEvent", "CTV3Code"),
        codes.fills(day=day("r.DateEvent"), number=_NUMBER),
        (
            Rule("its code was changed to one that says nothing here", "r.says IS NULL", ("CTV3Code",)),
            *codes.left_out(("CTV3Code",)),
            codes.numberless(_NUMBER, ("CTV3Code",)),
        ),
        # What was loaded from an earlier delivery may have got another code since, which takes it back.
        wanted=f"{says} IS NOT NULL OR {REMOVED} OR r.RowIdentifier IN (SELECT RowIdentifier FROM loaded_coded_entry)",
        versions=(
            ("92 or 93", ("IDQuestionnaire", "SNOMEDCode")),
            ("90 or 91", ("SNOMEDCode",)),
            ("89 or older", ()),
        ),
        derived={"says": says},
    )


NATIONAL_OPT_OUT = of_a_patient(
    "national_opt_out",
    "DateEvent",
    (),
    (
        # [assumed] A row means that the person has opted out; the list of allowed numbers still has the last word.
        Fill(
            OPT_OUT,
            {"scheme": constant("national data opt-out"), "opted_out": Value("true"), "from_date": day("r.DateEvent")},
        ),
    ),
    file_name="SRNDOptOutPreference",
)
