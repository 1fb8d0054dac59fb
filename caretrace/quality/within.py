"""Kinds of gap and doubt that one system shows alone."""

from __future__ import annotations

from caretrace.quality.kind import Kind, Rows, Severity, Where
from schemas.nhs_number import RANGES, Range

PLACEHOLDER_BIRTH_DATES = ("1900-01-01", "1901-01-01", "1800-01-01", "1899-12-30", "1899-12-31")
"""Days that systems write for "not known"; the last two are day 0 of spreadsheets."""
OLDEST_AGE = 115
"""Years; a living person older than this is more likely a wrong date or an unrecorded death."""
UNLIKE_NAMES = 0.7
"""Jaro-Winkler below which two family names share next to nothing [assumed]; spellings of one name lie above 0.8."""
_NOT_NAMES = ("UNKNOWN", "NOT KNOWN", "NOT GIVEN", "NOT STATED", "NK", "N/K", "TEST", "DUPLICATE", "DO NOT USE", "BABY")

DUMMIES = ", ".join(f"DATE '{day}'" for day in PLACEHOLDER_BIRTH_DATES)
# Both spellings, not upper(): the comparison of a column with constants skips whole blocks of rows.
_NAMED = ", ".join(f"'{word}'" for name in _NOT_NAMES for word in dict.fromkeys((name, name.capitalize())))
_KEY = "source, source_org, record_id"
_OPEN = "(end_date IS NULL OR end_date >= {today})"


def fault(column: str, *, used: bool = False) -> str:
    """SQL of the rowids whose `column` was refused on reading, or is used with a doubt."""
    return (
        "(SELECT row FROM temp.quality_fault WHERE side = '{side}'"
        f" AND \"column\" = '{column}' AND {'' if used else 'NOT '}used)"
    )


def _missing(column: str, title: str, matters: str, do: str, severity: Severity = Severity.SOON) -> Kind:
    words = column.replace("_", " ")
    return Kind(
        f"{words.replace(' ', '-')}-missing",
        column,
        title,
        f"The record has no {words}, and none was refused.",
        matters,
        do,
        severity,
        Where(f"p.{column} IS NULL AND p.rowid NOT IN {fault(column)}", asks=True),
    )


def _refused(column: str, title: str, means: str, do: str) -> Kind:
    return Kind(
        f"{column.replace('_', '-')}-refused",
        column,
        title,
        means,
        "A value that cannot be right counts as none: it helps nobody to find the person.",
        do,
        Severity.SOON,
        Where(f"p.{column} IS NULL AND p.rowid IN {fault(column)}", asks=True),
    )


_SAME_NUMBER = "SELECT row FROM temp.quality_same_number WHERE side = '{{side}}' AND {which}"
# Few people share a day of birth and a postcode, so names are compared among those alone.
_NAMESAKES = """SELECT unnest(rows) AS row FROM (
    SELECT list(p.rowid) AS rows, count(DISTINCT p.nhs_number) AS numbers, count(p.nhs_number) AS held
    FROM {{side}}.person p JOIN temp.quality_namesake n ON n.side = '{{side}}' AND n.row = p.rowid
    GROUP BY {by}upper(p.family_name), upper(p.given_name), p.birth_date, p.postcode HAVING count(*) > 1)
    WHERE {which}"""

WITHIN: tuple[Kind, ...] = (
    Kind(
        "dead-with-open-service",
        "death_date",
        "dead, with a service still open",
        "The record has a date of death and a service without an end.",
        "Care may be planned, paid for or charged for somebody who died, and the family may be written to.",
        "End the service, or take the date of death out if it is wrong.",
        Severity.URGENT,
        Rows(f"""SELECT rowid AS row FROM {{side}}.person
            WHERE death_date IS NOT NULL AND ({_KEY}) IN (SELECT ({_KEY}) FROM {{side}}.service WHERE {_OPEN})"""),
    ),
    Kind(
        "number-on-different-people",
        "nhs_number",
        "one NHS number on records of different people",
        "Several records of the organisation hold one NHS number and differ in day of birth, or entirely in family"
        " name.",
        "Somebody's history may be shown to, or sent for, somebody else.",
        "Find out whose number it is, by tracing on PDS, and take it off the other records.",
        Severity.URGENT,
        Rows(_SAME_NUMBER.format(which="unlike")),
    ),
    Kind(
        "several-numbers",
        "nhs_number",
        "one person with several NHS numbers",
        "Records with the same names, full date of birth and postcode hold different NHS numbers.",
        "One of the numbers is somebody else's, or the person was given two, and their record is in two halves.",
        "Trace both numbers on PDS; tell the National Back Office if the person has two.",
        Severity.URGENT,
        Rows(_NAMESAKES.format(by="", which="numbers > 1")),
    ),
    Kind(
        "number-superseded",
        "nhs_number",
        "a superseded NHS number",
        "The record holds a number that another record, or its own history, says was replaced.",
        "Other systems no longer answer to the old number, so links are missed.",
        "Replace it by the current number, after tracing the person on PDS.",
        Severity.SOON,
        Rows("""SELECT p.rowid AS row FROM {side}.person p
            JOIN (SELECT DISTINCT number FROM temp.quality_superseded) s ON s.number = p.nhs_number"""),
    ),
    Kind(
        "nhs-number-refused",
        "nhs_number",
        "not an NHS number",
        "What stands in the field is no NHS number: its check digit fails, or it is not ten digits.",
        "The person is searched for by name, which finds fewer, or is not found.",
        "Look the number up again, or trace the person on PDS; most are one slip from the right one.",
        Severity.SOON,
        Where(f"p.nhs_number IS NULL AND p.rowid IN {fault('nhs_number')}", asks=True),
    ),
    Kind(
        "nhs-number-missing",
        "nhs_number",
        "no NHS number",
        "The record has no NHS number, and none was refused.",
        "Without it a person is found by name, date of birth and address, which finds fewer.",
        "Load load_back.csv of a run, which holds the numbers it found; trace the others on PDS.",
        Severity.SOON,
        Where(f"p.nhs_number IS NULL AND p.rowid NOT IN {fault('nhs_number')}", asks=True),
        listed=False,
    ),
    Kind(
        "nhs-number-elsewhere",
        "nhs_number",
        "a number issued outside England and Wales",
        "The number is well formed but lies in a range of Scotland, Northern Ireland or Ireland, or in none known to"
        " be issued.",
        "PDS does not know it, so nobody in England answers to it.",
        "Ask whether the person also has an English or Welsh number.",
        Severity.LATER,
        Where(
            # Not the macro: it costs more than all other conditions together.
            " AND ".join(
                f"NOT p.nhs_number BETWEEN '{first}' AND '{last}'"
                for first, last, issuer in RANGES
                if issuer in (Range.ENGLAND_WALES_IOM, Range.TEST)
            )
        ),
    ),
    Kind(
        "likely-duplicate-number",
        "nhs_number",
        "one NHS number on several records of one person",
        "Several records of the organisation hold one NHS number, and nothing about them says two people.",
        "Half of what is known about the person stands on each, and each is counted.",
        "Merge the records in the system, or close the one not in use.",
        Severity.SOON,
        Rows(_SAME_NUMBER.format(which="NOT unlike")),
    ),
    Kind(
        "likely-duplicate",
        "record_id",
        "likely the same person twice",
        "Records of the organisation have the same names, full date of birth and postcode, and not every one of them"
        " has the NHS number.",
        "Half of what is known about the person stands on each, and only one of them may be linked.",
        "Compare them, and merge them if they are one person. Twins of one name are rare but real.",
        Severity.SOON,
        Rows(_NAMESAKES.format(by="p.source, p.source_org, ", which="numbers <= 1 AND held < len(rows)")),
    ),
    _missing(
        "birth_date",
        "no date of birth",
        "Without it few people can be told from others of their name: linking leaves them out or asks a person.",
        "Ask the person, or look on the first letter or referral.",
    ),
    _refused(
        "birth_date",
        "not a date of birth",
        "What stands in the field is no date, or one that does not exist.",
        "Correct it from the person's papers.",
    ),
    Kind(
        "birth-date-placeholder",
        "birth_date",
        "a placeholder for the date of birth",
        "The date of birth is one of those that systems write where it is not known.",
        "It counts as none for linking; where it is believed, the person is taken to be over a hundred.",
        "Ask for the real date; leave the field empty until it is known.",
        Severity.SOON,
        Where(f"p.birth_date IN ({DUMMIES})"),
    ),
    Kind(
        "birth-date-partial",
        "birth_date",
        "only part of the date of birth",
        "Only the year, or the year and month, is known.",
        "It tells people apart only a little.",
        "Ask the person for the day.",
        Severity.LATER,
        Where(f"p.birth_date_precision <> 'YMD' AND p.birth_date NOT IN ({DUMMIES})"),
    ),
    Kind(
        "first-january",
        "birth_date",
        "born on 1 January",
        "The full date of birth is 1 January; one in 365 people was born on that day, so that number is given beside"
        " the one found.",
        "Far more than expected are years of birth written as full dates: they agree and disagree by accident.",
        "If there are many more than expected, list those born that day in the system and ask for the real dates.",
        Severity.LATER,
        # A birthday like any other, so nobody is asked to look at each.
        Where(f"p.birth_date_precision = 'YMD' AND dayofyear(p.birth_date) = 1 AND p.birth_date NOT IN ({DUMMIES})"),
        listed=False,
    ),
    Kind(
        "birth-date-future",
        "birth_date",
        "born in the future",
        "The date of birth lies after the day of the check.",
        "It is wrong: a slip, or the century is.",
        "Correct it from the person's papers.",
        Severity.SOON,
        Where("p.birth_date > {today}"),
    ),
    Kind(
        "too-old",
        "birth_date",
        f"over {OLDEST_AGE} years old",
        f"By the date of birth the person is, or was at death, over {OLDEST_AGE}.",
        "The date is wrong, or a death was never recorded.",
        "Check the date of birth; look the person up on PDS for a date of death.",
        Severity.SOON,
        Where(
            # The first condition follows from the second, and is cheap enough to spare most rows the second.
            f"p.birth_date <= {{today}} - INTERVAL {OLDEST_AGE + 1} YEAR"
            f" AND p.birth_date + INTERVAL {OLDEST_AGE + 1} YEAR <= coalesce(p.death_date, {{today}})"
            f" AND p.birth_date NOT IN ({DUMMIES})"
        ),
    ),
    Kind(
        "died-before-birth",
        "death_date",
        "died before birth",
        "The date of death lies before the date of birth.",
        "One of the two is wrong, and a living person may be taken for dead.",
        "Correct the one that is wrong.",
        Severity.SOON,
        Where("p.death_date < p.birth_date"),
    ),
    Kind(
        "death-in-future",
        "death_date",
        "died in the future",
        "The date of death lies after the day of the check.",
        "It is wrong, and the person is taken for dead.",
        "Correct it, or take it out if the person is alive.",
        Severity.URGENT,
        Where("p.death_date > {today}"),
    ),
    _missing(
        "family_name",
        "no family name",
        "Nobody can be searched for without it.",
        "Enter it as on the person's papers.",
    ),
    _missing(
        "given_name",
        "no given name",
        "Families share the rest: without it relatives cannot be told apart.",
        "Enter it as on the person's papers.",
    ),
    Kind(
        "name-placeholder",
        "family_name",
        "a placeholder for a name",
        "A name is a word such as UNKNOWN, TEST, BABY or DO NOT USE.",
        "It is nobody's name, so it finds nobody.",
        "Enter the real name, or remove the record if it is a test or a duplicate.",
        Severity.SOON,
        Where(f"(p.family_name IN ({_NAMED}) OR p.given_name IN ({_NAMED}))"),
    ),
    Kind(
        "gender-unknown",
        "gender",
        "gender not known",
        "Gender is empty, not known or not specified.",
        "It helps little in linking, but reports by sex leave the person out.",
        "Enter it where the person has told it; not specified is a right answer too.",
        Severity.LATER,
        Where("coalesce(p.gender, '0') NOT IN ('1', '2')"),
    ),
    _missing(
        "postcode",
        "no postcode",
        "People without a number are found by name, date of birth and where they live.",
        "Enter the postcode of the usual address. People of no fixed abode have none, and that is right.",
    ),
    _refused(
        "postcode",
        "not a postcode",
        "What stands in the field is no UK postcode.",
        "Correct it from the address; a postcode finder has it.",
    ),
    Kind(
        "ethnicity-missing",
        "ethnicity",
        "no ethnic category",
        "Ethnic category is empty or not known; not stated counts as an answer.",
        "Nobody can see whether services, and linking itself, serve groups alike.",
        "Ask the person at the next contact.",
        Severity.LATER,
        Where("coalesce(p.ethnicity, '99') = '99'"),
    ),
    Kind(
        "gp-practice-missing",
        "gp_practice_code",
        "no GP practice",
        "The record has no code of a GP practice.",
        "Nobody knows which practice to call, and the person falls out of counts by practice.",
        "Take it from the linked tables of a run, if the sharing agreement covers it.",
        Severity.LATER,
        Where("p.gp_practice_code IS NULL"),
        listed=False,
    ),
    Kind(
        "test-number",
        "nhs_number",
        "a test number",
        "The number lies in the range 900 to 999, which is for tests and belongs to nobody.",
        "In live data it is a mistake; in synthetic data it is right.",
        "In live data, trace the person on PDS; `--test-numbers refuse` keeps such numbers out of a run.",
        Severity.LATER,
        Where("p.nhs_number >= '9'"),
        listed=False,
    ),
)
