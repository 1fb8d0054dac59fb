"""Which answers are accepted, and what the others mean, as SQL over an answer beside its question.

The service's score is never taken for a probability. An exact search is accepted where PDS and the client agree on the
given name and the whole date of birth: number and date alone agree for twins whose numbers were exchanged, and a linked
number was found by its date of birth in the first place. All of this is a choice of this project [assumed].
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    import duckdb


class Verdict(Enum):
    """What becomes of an answer, and of a client; the value is what reports say."""

    ACCEPTED = "accepted"
    REPLACED = "replaced"
    REFER = "a person must look"
    SUPPRESSED = "withheld: do not use the number, refer it to the national back office"
    NOT_CONFIRMED = "not confirmed"
    NOT_FOUND = "not found"
    ASK_WITH_MORE = "ask with more"
    ASK_AGAIN = "ask again"


@dataclass(frozen=True)
class Rules:
    """What may be set."""

    algorithmic_from: float | None = None
    """Accept a search by resemblance from this score on; None refers all of them to a person. NHS England's own
    diagnostics accept from 50."""
    check_names: bool = True
    """Refer where PDS has another given name."""

    def __post_init__(self) -> None:
        if self.algorithmic_from is not None and not 50 <= self.algorithmic_from <= 100:
            raise SettingsError("a score to accept from is 50 to 100; below 50 the service itself gives no match")

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {"algorithmic_from": self.algorithmic_from, "check_names": self.check_names}


STATUS = {
    Verdict.ACCEPTED: "01",
    Verdict.REPLACED: "01",
    Verdict.REFER: "05",
    Verdict.SUPPRESSED: "05",
    Verdict.NOT_CONFIRMED: "04",
    Verdict.NOT_FOUND: "04",
    Verdict.ASK_WITH_MORE: "04",
    Verdict.ASK_AGAIN: "03",
}
"""NHS number status of a client by verdict (NHS Data Dictionary: 01 verified, 03 trace required, 04 no match or
multiple match, 05 to be resolved)."""

OTHER_NUMBER = "another number than the one asked about was found, and the service does not say it replaced it"
OTHER_DATE = "PDS has another date of birth"
OTHER_NAME = "PDS has another given name: is it a twin, a relative, or a name no longer used?"
BY_RESEMBLANCE = "found by resemblance only"
NOT_EXACT = "the search was not exact"
UNKNOWN = "the answer has a code that is not in the published list"


def reason(rules: Rules) -> str:
    """SQL of why an answer that found somebody is not simply accepted; null where it is.

    `t` is the answer (TRACE), `q` its question, `f` the person found, `c` the client; `same_given` is computed.
    """
    if rules.algorithmic_from is None:
        resemblance = f"WHEN t.step = 'algorithmic' THEN '{BY_RESEMBLANCE}'"
    else:
        low = f"t.step = 'algorithmic' AND coalesce(t.confidence, 0) < {rules.algorithmic_from}"
        resemblance = f"WHEN {low} THEN '{BY_RESEMBLANCE}, with a score below {rules.algorithmic_from:g}'"
    exact = "t.step IN ('cross-check', 'alphanumeric') AND coalesce(t.confidence, 100) >= 100"
    accepted = f"({exact} OR t.step = 'algorithmic')"
    names = f"WHEN NOT same_given THEN '{OTHER_NAME}'" if rules.check_names else ""
    dates = "f.birth_date_precision = 'YMD' AND c.birth_date_precision = 'YMD' AND f.birth_date <> c.birth_date"
    return (
        "CASE WHEN t.outcome = 'unknown' THEN "
        f"'{UNKNOWN}' WHEN t.outcome NOT IN ('found', 'replaced', 'sensitive') THEN NULL"
        f" WHEN t.outcome <> 'replaced' AND q.asked <> t.nhs_number THEN '{OTHER_NUMBER}'"
        f" {resemblance} WHEN NOT coalesce({accepted}, false) THEN '{NOT_EXACT}'"
        f" WHEN {dates} THEN '{OTHER_DATE}' {names} END"
    )


def verdict(reason: str) -> str:
    """SQL of the verdict (its name) on an answer, given the SQL of its reason."""
    by_outcome = {
        "suppressed": Verdict.SUPPRESSED,
        "ambiguous": Verdict.ASK_WITH_MORE,
        "not asked": Verdict.ASK_WITH_MORE,
        "failed": Verdict.ASK_AGAIN,
        "replaced": Verdict.REPLACED,
    }
    arms = " ".join(f"WHEN t.outcome = '{outcome}' THEN '{found.name}'" for outcome, found in by_outcome.items())
    none = f"CASE WHEN q.asked IS NULL THEN '{Verdict.NOT_FOUND.name}' ELSE '{Verdict.NOT_CONFIRMED.name}' END"
    return (
        f"CASE WHEN {reason} IS NOT NULL THEN '{Verdict.REFER.name}' {arms}"
        f" WHEN t.outcome = 'none' THEN {none} ELSE '{Verdict.ACCEPTED.name}' END"
    )


SAME_GIVEN = """(
    coalesce(len(f.given), 0) = 0 OR coalesce(len(c.given), 0) = 0
    OR list_contains(c.given, f.given[1]) OR list_contains(f.given, c.given[1])
    OR (length(f.given[1]) = 1 OR length(c.given[1]) = 1) AND f.given[1][1] = c.given[1][1]
    OR coalesce(list_contains(forms[c.given[1]], f.given[1]), false)
    OR f.given[1][1] = c.given[1][1] AND greatest(length(f.given[1]), length(c.given[1])) >= 5
        AND damerau_levenshtein(f.given[1], c.given[1]) <= 1
)"""
"""SQL: whether the given names of `f` and `c` (lists of plain words) may be one person's: the first of one is among the
other's, or is its initial, an everyday form of its first, or a slip of one letter within it (twins' names rhyme, so
not at its beginning, and not in short names: Joan, Jean). Middle names alone say nothing: twins often share one.
`forms` is `FORMS`. Missing on either side says nothing."""


FORMS = "(SELECT map(list(name), list(others)) AS forms FROM everyday_form)"
"""SQL of `forms`, from the table that `load_everyday_forms` makes."""


def load_everyday_forms(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `everyday_form`: a given name and its other everyday and formal forms."""
    import pyarrow as pa

    from linkage.diminutives import PAIRS

    forms: dict[str, set[str]] = {}
    for everyday, formal in PAIRS:
        forms.setdefault(everyday, set()).add(formal)
        forms.setdefault(formal, set()).add(everyday)
    table = pa.table({"name": list(forms), "others": [sorted(others) for others in forms.values()]})
    connection.register("given_forms", table)
    connection.execute("CREATE OR REPLACE TEMP TABLE everyday_form AS SELECT * FROM given_forms")
    connection.unregister("given_forms")


def given_words(given: str, middle: str) -> str:
    """SQL of the plain words of given names, as a list."""
    letters = f"regexp_replace(upper(strip_accents(concat_ws(' ', {given}, {middle}))), '[^A-Z]+', ' ', 'g')"
    return f"list_filter(string_split(trim({letters}), ' '), lambda w: w <> '')"
