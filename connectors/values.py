"""How a supplier's text becomes a value of ours, as SQL over columns.

A `Value` that refuses what it is given says why: the value becomes null and DATA_QUALITY gets the reason, never the
text. What is simply missing is no fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from schemas.codes import ETHNIC_CATEGORY
from schemas.dates import Fault, Form

_TRUE = ("true", "t", "1", "y", "yes")
_FALSE = ("false", "f", "0", "n", "no")

GENDER_WORDS: Mapping[str, tuple[str, ...]] = {
    "1": ("1", "m", "male", "man", "boy"),
    "2": ("2", "f", "female", "woman", "girl"),
    "9": ("9", "i", "indeterminate", "indeterminate sex", "not specified", "other"),
    "0": ("0", "u", "unknown", "not known"),
}
"""PDS gender; EMIS and SystmOne write I for indeterminate and U for unknown."""

# NHS Data Dictionary (2001 census) words, and those that Client Level Data and council systems use for the same categories.
ETHNIC_WORDS: Mapping[str, tuple[str, ...]] = {
    "A": (
        "British",
        "White British",
        "White - British",
        "English / Welsh / Scottish / Northern Irish / British",
        "White - English / Welsh / Scottish / Northern Irish / British",
    ),
    "B": ("Irish", "White Irish", "White - Irish"),
    "C": ("Any other White background", "Other White", "White Other", "White - Any other White background"),
    "D": ("White and Black Caribbean", "Mixed - White and Black Caribbean"),
    "E": ("White and Black African", "Mixed - White and Black African"),
    "F": ("White and Asian", "Mixed - White and Asian"),
    "G": ("Any other mixed background", "Any other mixed / multiple ethnic background", "Other Mixed"),
    "H": ("Indian", "Asian - Indian", "Asian or Asian British - Indian"),
    "J": ("Pakistani", "Asian - Pakistani", "Asian or Asian British - Pakistani"),
    "K": ("Bangladeshi", "Asian - Bangladeshi", "Asian or Asian British - Bangladeshi"),
    "L": ("Any other Asian background", "Other Asian", "Asian or Asian British - Any other Asian background"),
    "M": ("Caribbean", "Black - Caribbean", "Black or Black British - Caribbean"),
    "N": ("African", "Black - African", "Black or Black British - African"),
    "P": (
        "Any other Black background",
        "Any other Black / African / Caribbean background",
        "Other Black",
        "Black or Black British - Any other Black background",
    ),
    "R": ("Chinese", "Asian - Chinese", "Other Ethnic Groups - Chinese"),
    "S": ("Any other ethnic group", "Other ethnic group", "Other Ethnic Groups - Any other ethnic group"),
    "Z": ("Not stated", "Refused", "Declined", "Prefer not to say"),
    "99": ("Not known", "Unknown", "Undeclared / Not known", "No data"),
}


@dataclass(frozen=True)
class Value:
    """SQL of a standard column: `sql` is the value, `given` the text it is made from.

    `fault` says why a text that is there makes no value; `warning` says why a value that is used is doubtful.
    Both are null where all is well. `record` is the alias of the record the text stands in.
    """

    sql: str
    given: str | None = None
    fault: str | None = None
    warning: str | None = None
    record: str = "r"

    def quietly(self) -> Value:
        """The same value where another column already reports its faults."""
        return replace(self, fault=None, warning=None)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(words: Iterable[str]) -> str:
    """Texts as the inside of an SQL IN list."""
    return ", ".join(map(quoted, words))


def text(x: str) -> Value:
    """As held."""
    return Value(x)


def constant(word: str) -> Value:
    """The same for every record."""
    return Value(quoted(word))


def nhs_number(x: str, record: str = "r") -> Value:
    """Ten digits. Numbers outside the ranges of England, Wales and the Isle of Man are used with a warning.

    The test range is not warned about row by row: it is counted once for each file.
    """
    other = (
        "nhs_number_range(nhs_number({x})) NOT IN ('England, Wales and the Isle of Man', 'synthetic and test numbers')"
    )
    warning = f"CASE WHEN {other} THEN 'outside the ranges issued in England and Wales: ' || nhs_number_range(nhs_number({{x}})) END"
    return Value(f"nhs_number({x})", x, f"nhs_number_fault({x})", warning.format(x=x), record)


def postcode(x: str) -> Value:
    """A postcode unit."""
    return Value(f"postcode({x})", x, f"postcode_fault({x})")


def day(x: str, *forms: Form) -> Value:
    """A date in the first of the supplier's forms that fits."""
    macros = [f"date_{form.name.lower()}" for form in forms]
    impossible = " OR ".join(f"{macro}_fault({x}) = {quoted(Fault.IMPOSSIBLE.value)}" for macro in macros)
    fault = f"CASE WHEN {impossible} THEN {quoted(Fault.IMPOSSIBLE.value)} ELSE {quoted(Fault.FORM.value)} END"
    return Value(f"coalesce({', '.join(f'{macro}({x})' for macro in macros)})", x, fault)


def birth_date(x: str, *forms: Form, as_at: str = "reading_day()") -> Value:
    """A date of birth: none in the future, and placeholders and great ages are pointed out."""
    plain = day(x, *forms)
    date = f"{plain.sql}"
    fault = f"CASE WHEN {date} > {as_at} THEN 'in the future' ELSE {plain.fault} END"
    warning = (
        f"CASE WHEN {date} IN (DATE '1900-01-01', DATE '1901-01-01') THEN 'a usual placeholder date'"
        f" WHEN {date} < {as_at} - INTERVAL 116 YEAR THEN 'older than 115 years, if alive' END"
    )
    return Value(f"CASE WHEN {date} <= {as_at} THEN {date} END", x, fault, warning)


def birth_date_precision(x: str, *forms: Form, as_at: str = "reading_day()") -> Value:
    """How much of the date of birth is known: Y, YM or YMD."""
    known = ", ".join(f"date_{form.name.lower()}_precision({x})" for form in forms)
    return Value(f"CASE WHEN {day(x, *forms).sql} <= {as_at} THEN coalesce({known}) END")


def words(x: str, meanings: Mapping[str, Iterable[str]]) -> Value:
    """A code from the words that stand for it, in capitals or not; other words are refused."""
    arms = " ".join(
        f"WHEN lower({x}) IN ({listed(word.lower() for word in said)}) THEN {quoted(code)}"
        for code, said in meanings.items()
    )
    return Value(f"CASE {arms} END", x, quoted("not a word or code this column has"))


def gender(x: str) -> Value:
    """PDS gender from codes, letters and words."""
    return words(x, GENDER_WORDS)


def ethnicity(x: str) -> Value:
    """Ethnic category from its code or exact description; a near miss is refused, not guessed."""
    return words(x, {code: (code, name, *ETHNIC_WORDS[code]) for code, name in ETHNIC_CATEGORY.items()})


def code(x: str, codes: Iterable[str]) -> Value:
    """One of the codes, as it stands."""
    return Value(f"CASE WHEN {x} IN ({listed(codes)}) THEN {x} END", x, quoted("not one of the codes of this column"))


def flag(x: str) -> Value:
    """Yes or no in the words true, t, 1, y, yes and their opposites, in capitals or not."""
    sql = f"CASE WHEN lower({x}) IN ({listed(_TRUE)}) THEN true WHEN lower({x}) IN ({listed(_FALSE)}) THEN false END"
    return Value(sql, x, quoted("neither yes nor no"))


def is_true(x: str) -> str:
    """SQL that is true where the text says yes; never null."""
    return f"coalesce(lower({x}) IN ({listed(_TRUE)}), false)"


def number(x: str) -> Value:
    """A decimal number; a pound sign and commas between thousands are allowed."""
    return Value(f"TRY_CAST(translate({x}, '£, ', '') AS DOUBLE)", x, quoted("not a number"))


def whole_number(x: str) -> Value:
    """A whole number."""
    return Value(f"TRY_CAST({x} AS BIGINT)", x, quoted("not a whole number"))
