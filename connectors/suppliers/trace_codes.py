"""What the codes of tracing services mean (Data Services Platform constants; HSCIC's DBS library; sheet of each).

The outcomes of codes 01 to 17 are readings of their names, and so assumed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """One answer code: its meaning in plain words, and what it says of the person (`schemas.trace.TRACE_OUTCOME`)."""

    code: str
    meaning: str
    outcome: str
    whole_file: bool = False
    """It is an answer to the whole request, in the header of the reply."""


PDS_CODES = (
    Code("00", "found", "found"),
    Code("01", "the file could not be read", "not asked", True),
    Code("02", "its request reference is not valid", "not asked", True),
    Code("03", "its workflow id is not valid", "not asked", True),
    Code("04", "the number of records is not the one in its header", "not asked", True),
    Code("05", "an unexpected error of the service; send it again", "failed", True),
    Code("06", "it holds too many records; make the files smaller", "not asked", True),
    Code("07", "its name is not its request reference", "not asked", True),
    Code("08", "the unique reference is missing or stands twice", "not asked"),
    Code("09", "its time stamp is not valid", "not asked", True),
    Code("10", "a required field is missing", "not asked"),
    Code("11", "a field is too long", "not asked"),
    Code("12", "the gender is not one of the codes", "not asked"),
    Code("13", "a field is not in its format", "not asked"),
    Code("14", "the service could not look it up; ask again", "failed"),
    Code("15", "too little was given to search by", "not asked"),
    Code("16", "a row has too few fields", "not asked"),
    Code("17", "a row has too many fields", "not asked"),
    Code("90", "found under a number that replaced the one asked about", "replaced"),
    Code("91", "withheld altogether: the record is invalid or confidential", "suppressed"),
    Code("92", "found; a sensitive record, whose address and practice are withheld", "sensitive"),
    Code("95", "the record is under investigation by the national back office", "suppressed"),
    Code("96", "several people fit exactly; date of birth or postcode would tell them apart", "ambiguous"),
    Code("97", "several people fit about equally well", "ambiguous"),
    Code("98", "nobody was found", "none"),
)

DBS_CODES = (
    Code("20", "found by name and details", "found"),
    Code("21", "nobody was found by name and details", "none"),
    Code("22", "several people fit", "ambiguous"),
    Code("30", "number and date of birth agree", "found"),
    Code("31", "number and date of birth do not agree, and nobody was found by name", "none"),
    Code("32", "number and date of birth do not agree, and several people fit by name", "ambiguous"),
    Code("33", "number and date of birth do not agree; one person, perhaps with another number, fits by name", "found"),
    Code("40", "the number was merged into another, which is given", "replaced"),
    Code("81", "too little was given to search by", "not asked"),
    Code("82", "the service ran out of time; ask again", "failed"),
)


def meaning(source: str, code: str | None) -> str:
    """What an answer of `source` says, in plain words."""
    codes = DBS_CODES if source == "dbs" else PDS_CODES
    return next((each.meaning for each in codes if each.code == code), "a code that is not in the published list")
