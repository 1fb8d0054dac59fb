"""How a supplier's text becomes a value of ours, as SQL over columns.

A `Value` that refuses what it is given says why: the value becomes null and DATA_QUALITY gets the reason, never the
text. What is simply missing is no fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from connectors import month_first
from schemas.codes import ETHNIC_CATEGORY
from schemas.dates import Fault, Form
from schemas.nhs_number import RANGES, Range
from schemas.nhs_number import Fault as NumberFault
from schemas.person import NHS_NUMBER_AS_ENTERED

_TRUE = ("true", "t", "1", "y", "yes")
FALSE_WORDS = ("false", "f", "0", "n", "no")

GENDER_WORDS: Mapping[str, tuple[str, ...]] = {
    "1": ("1", "m", "male", "man", "boy"),
    "2": ("2", "f", "female", "woman", "girl"),
    "9": ("9", "i", "indeterminate", "indeterminate sex", "not specified", "other"),
    "0": ("0", "u", "unknown", "not known"),
}
"""PDS gender; EMIS and SystmOne write I for indeterminate and U for unknown."""

# NHS Data Dictionary (2001 census) words, and those that Client Level Data and councils use for the same categories.
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
    """SQL of a standard column.

    `parsed` is computed once from the raw record `r`. `final`, `fault` and `warning` are templates over it: `{v}` is
    the parsed value, `{x}` the text `given`, and `v_<column>` another column's parsed value. `fault` says why a text
    that is there makes no value; `warning` says why a value that is used is doubtful; both are null where all is well.
    `record` is the alias of the record the text stands in. `kept` is a template for what of a refused text is kept as
    an IDENTIFIER, and its scheme; null where nothing is.
    """

    parsed: str
    given: str | None = None
    fault: str | None = None
    warning: str | None = None
    final: str = "{v}"
    record: str = "r"
    kept: tuple[str, str] | None = None

    def quietly(self) -> Value:
        """The same value where another column already reports its faults."""
        return replace(self, fault=None, warning=None)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(words: Iterable[str]) -> str:
    """Texts as the inside of an SQL IN list."""
    return ", ".join(map(quoted, words))


def is_one_of(x: str, words: Iterable[str]) -> str:
    """SQL that is true where the text is one of the words, and null where it is not.

    An IN list becomes a join where it is longer than a few words, and the rows would lose their order in it.
    """
    pairs = ", ".join(f"{quoted(word)}: true" for word in words)
    return f"MAP {{{pairs}}}[{x}]"


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
    expected = " OR ".join(
        f"{{v}} BETWEEN {quoted(first)} AND {quoted(last)}"
        for first, last, kind in RANGES
        if kind in (Range.ENGLAND_WALES_IOM, Range.TEST)
    )
    warning = (
        f"CASE WHEN NOT ({expected})"
        " THEN 'outside the ranges issued in England and Wales: ' || nhs_number_range({v}) END"
    )
    slip = (
        f"CASE WHEN nhs_number_fault({{x}}) = {quoted(NumberFault.CHECK_DIGIT.value)} THEN nhs_number_digits({{x}}) END"
    )
    return Value(
        f"nhs_number({x})", x, "nhs_number_fault({x})", warning, record=record, kept=(slip, NHS_NUMBER_AS_ENTERED)
    )


def postcode(x: str) -> Value:
    """A postcode unit."""
    # Written properly, with its space or without, it needs no mending; the macro mends the others and takes longer.
    proper = f"regexp_full_match({x}, '[A-Z]{{1,2}}[0-9][A-Z0-9]? ?[0-9][A-Z]{{2}}') AND NOT starts_with({x}, 'ZZ99')"
    unit = f"CASE WHEN substr({x}, length({x}) - 3, 1) = ' ' THEN {x} ELSE {x}[:-4] || ' ' || {x}[-3:] END"
    sql = f"CASE WHEN {proper} THEN {unit} WHEN {x} IS NOT NULL THEN postcode({x}) END"
    return Value(sql, x, "postcode_fault({x})")


def day(x: str, *forms: Form) -> Value:
    """A date in the first of the supplier's forms that fits, or whole in ISO 8601, which no form can mistake.

    That is how a date stands that had a type before it was text: in a workbook, in Parquet, in a table in memory.
    """
    macros = [f"date_{form.name.lower()}" for form in forms]
    impossible = " OR ".join(f"{macro}_fault({{x}}) = {quoted(Fault.IMPOSSIBLE.value)}" for macro in macros)
    fault = f"CASE WHEN {impossible} THEN {quoted(Fault.IMPOSSIBLE.value)} ELSE {quoted(Fault.FORM.value)} END"
    if Form.UK in forms:
        fault = month_first.otherwise(fault)
    other = _first([*(f"{macro}({x})" for macro in macros), *_typed(forms, x, f"TRY_CAST({x}[:10] AS DATE)")])
    shape, plain = _PLAIN[forms[0]]
    # The macros take as long over a null as over a date, and most people have no date of death.
    sql = f"CASE WHEN regexp_full_match({x}, '{shape}') THEN {plain.format(x=x)} WHEN {x} IS NOT NULL THEN {other} END"
    return Value(sql, x, fault)


def birth_date(x: str, *forms: Form, precision: str | None = None) -> dict[str, Value]:
    """`birth_date` and `birth_date_precision`: none in the future; placeholders and great ages are pointed out.

    `precision` is SQL of Y, YM or YMD where the source says how much of the date to believe: it can only take away.
    """
    date = day(x, *forms)
    warning = (
        "CASE WHEN {v} IN (DATE '1900-01-01', DATE '1901-01-01') THEN 'a usual placeholder date'"
        " WHEN {v} < reading_day() - INTERVAL 116 YEAR THEN 'older than 115 years, if alive' END"
    )
    known = _first([*(f"date_{form.name.lower()}_precision({x})" for form in forms), *_typed(forms, x, "'YMD'")])
    shape, plain = _PLAIN[forms[0]]
    whole = f"regexp_full_match({x}, '{shape}')"
    known = f"CASE WHEN {whole} AND {plain.format(x=x)} IS NOT NULL THEN 'YMD' WHEN {x} IS NOT NULL THEN {known} END"
    if precision:
        # Y, YM and YMD stand in the order of the alphabet, and the less precise of two is the first.
        known = f"least({known}, {precision})"
    begin = (
        "CASE v_birth_date_precision WHEN 'Y' THEN CAST(date_trunc('year', {v}) AS DATE)"
        " WHEN 'YM' THEN CAST(date_trunc('month', {v}) AS DATE) ELSE {v} END"
    )
    return {
        "birth_date": replace(
            date,
            fault=f"CASE WHEN {{v}} > reading_day() THEN 'in the future' ELSE {date.fault} END",
            warning=warning,
            final=f"CASE WHEN {{v}} <= reading_day() THEN {begin} END",
        ),
        "birth_date_precision": Value(known, final="CASE WHEN v_birth_date <= reading_day() THEN {v} END"),
    }


# The macros of `schemas.dates` read every form of a date and take ten times as long. Nearly all dates are whole days in
# the plain form of their source, with a time or without, so those are cast directly; other years are the macros'.
_TIME = "( [0-9]{2}:[0-9]{2}(:[0-9]{2})?)?"
_PLAIN = {
    Form.ISO: ("[12][0-9]{3}-[0-9]{2}-[0-9]{2}", "TRY_CAST({x} AS DATE)"),
    Form.UK: ("[0-9]{2}/[0-9]{2}/[12][0-9]{3}" + _TIME, "CAST(try_strptime({x}[:10], '%d/%m/%Y') AS DATE)"),
    Form.MONTH_NAME: (
        "[0-9]{2}[ -][A-Za-z]{3}[ -][12][0-9]{3}" + _TIME,
        "CAST(try_strptime(replace({x}[:11], '-', ' '), '%d %b %Y') AS DATE)",
    ),
    Form.BASIC: ("[12][0-9]{7}", "CAST(try_strptime({x}, '%Y%m%d') AS DATE)"),
}
"""Shapes of texts that no macro reads otherwise, and SQL of what they say."""


_TYPED = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+)?"


def _typed(forms: tuple[Form, ...], x: str, sql: str) -> tuple[str, ...]:
    return () if Form.ISO in forms else (f"CASE WHEN regexp_full_match({x}, '{_TYPED}') THEN {sql} END",)


def _first(expressions: Iterable[str]) -> str:
    several = list(expressions)
    return several[0] if len(several) == 1 else f"coalesce({', '.join(several)})"


def words(x: str, meanings: Mapping[str, tuple[str, ...]]) -> Value:
    """A code from the words that stand for it, in capitals or not; other words are refused."""
    # Most columns hold the code itself already; a map keeps the plan of the others short.
    codes = [code for code, said in meanings.items() if code in said]
    code_of = {word.lower(): code for code, said in reversed(list(meanings.items())) for word in said}
    pairs = ", ".join(f"{quoted(word)}: {quoted(code)}" for word, code in code_of.items())
    sql = f"CASE WHEN {is_one_of(x, codes)} THEN {x} WHEN {x} IS NOT NULL THEN MAP {{{pairs}}}[lower({x})] END"
    return Value(sql, x, quoted("not a word or code this column has"))


def gender(x: str) -> Value:
    """PDS gender from codes, letters and words."""
    return words(x, GENDER_WORDS)


def ethnicity(x: str) -> Value:
    """Ethnic category from its code or exact description; a near miss is refused, not guessed."""
    return words(x, {code: (code, name, *ETHNIC_WORDS[code]) for code, name in ETHNIC_CATEGORY.items()})


def code(x: str, codes: Iterable[str]) -> Value:
    """One of the codes, as it stands."""
    return Value(f"CASE WHEN {is_one_of(x, codes)} THEN {x} END", x, quoted("not one of the codes of this column"))


def flag(x: str) -> Value:
    """Yes or no in the words true, t, 1, y, yes and their opposites, in capitals or not."""
    yes, no = is_one_of(f"lower({x})", _TRUE), is_one_of(f"lower({x})", FALSE_WORDS)
    sql = f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"
    return Value(sql, x, quoted("neither yes nor no"))


def is_true(x: str) -> str:
    """SQL that is true where the text says yes; never null."""
    return f"coalesce({is_one_of(f'lower({x})', _TRUE)}, false)"


def number(x: str) -> Value:
    """A decimal number; a pound sign and commas between thousands are allowed."""
    return Value(f"TRY_CAST(translate({x}, '£, ', '') AS DOUBLE)", x, quoted("not a number"))


def whole_number(x: str) -> Value:
    """A whole number."""
    return Value(f"TRY_CAST({x} AS BIGINT)", x, quoted("not a whole number"))
