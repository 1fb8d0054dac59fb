"""Precision and recall from a sample that people looked at: how it is drawn, and what their answers say of the whole.

`caretrace.review` draws the sample, asks, and keeps the answers; this reads them back by stratum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linkage.evaluate import Estimate, Share, Stratum, ratio, stratified
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ANSWERED = "('same', 'different')"

# A linked client is right where the person linked was found the same; a client is there to be found where any of those
# shown was. Who was shown a candidate that nobody could tell about, and no other that is the same, is not known.
_BY_STRATUM = f"""
    WITH client AS (
        SELECT stratum, source, source_org, record_id, any_value(decision) AS decision, max(size) AS size,
               bool_or(verdict = 'same') AS there, bool_or(verdict = 'same' AND rank = 1) AS best,
               bool_and(verdict IN {_ANSWERED}) OR bool_or(verdict = 'same') AS known, bool_and(blind) AS blind
        FROM answer GROUP BY ALL
    )
    SELECT stratum, any_value(decision), max(size), count(*), count(*) FILTER (known),
           count(*) FILTER (known AND best), count(*) FILTER (known AND there),
           count(*) FILTER (known AND there AND NOT (decision = 'link' AND best)), count(*) FILTER (NOT blind)
    FROM client GROUP BY stratum ORDER BY any_value(decision), stratum DESC"""


@dataclass(frozen=True)
class Answered:
    """One stratum and the answers to the clients drawn from it."""

    name: str
    decision: str
    size: int
    drawn: int
    known: int
    best: int
    """Clients whose best candidate is the same person."""
    there: int
    """Clients one of whose candidates is."""
    missed: int
    """The same, where it is not a link to that person."""
    not_blind: int

    def share(self, part: int) -> Stratum:
        """The stratum with `part` of those known."""
        return Stratum(self.name, self.size, Share(part, self.known))


def from_decisions(connection: duckdb.DuckDBPyConnection, path: Path, *, run_id: str) -> dict[str, Any]:
    """Estimate from the answers in the file of decisions at `path` to samples drawn from the run.

    Raises InputError where it holds none, IntegrityFailure where the file was altered.
    """
    from caretrace.review.sampled import sampled

    if not path.is_file():
        raise InputError("there is no such file of decisions", path=path)
    answers = sampled(path, run_id=run_id)
    if not answers.num_rows:
        raise InputError(
            "holds no answer to a sample drawn from this run; `caretrace evaluate RUN --sample N` says how to draw one",
            path=path,
        )
    sizes = dict(connection.execute("SELECT decision, count(*) FROM link GROUP BY 1").fetchall())
    return estimates(by_stratum(connection, answers), sizes)


def by_stratum(connection: duckdb.DuckDBPyConnection, answers: pa.Table) -> list[Answered]:
    """Count clients by stratum; `answers` is what `caretrace.review.sampled` gives, a row for each candidate shown."""
    connection.register("answer", answers)
    try:
        return [Answered(*row) for row in connection.execute(_BY_STRATUM).fetchall()]
    finally:
        connection.unregister("answer")


def estimates(strata: Iterable[Answered], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Precision and recall of the whole; `sizes` is how many clients of each decision there are, asked about or not."""
    known = list(strata)
    links = [each for each in known if each.decision == "link"]
    precision = stratified([each.share(each.best) for each in links]) if links else None
    below = any(each.decision != "link" for each in known)
    recall = (
        ratio([each.share(each.best) for each in links], [each.share(each.missed) for each in known]) if below else None
    )
    facts = {
        "clients": sum(each.drawn for each in known),
        "not_known": sum(each.drawn - each.known for each in known),
        "not_blind": sum(each.not_blind for each in known),
        "strata": [
            {**each.share(each.best if each.decision == "link" else each.there).to_json(), "decision": each.decision}
            for each in known
        ],
        "precision": precision.to_json() if precision else None,
        "recall": recall.to_json() if recall else None,
    }
    return {**facts, "summary": list(_summary(facts, known, sizes, precision, recall))}


def _summary(
    facts: Mapping[str, Any],
    strata: list[Answered],
    sizes: Mapping[str, int],
    precision: Estimate | None,
    recall: Estimate | None,
) -> Iterable[str]:
    for name, estimate, of in (
        ("Precision", precision, "the links"),
        ("Recall", recall, "the clients whose person is among the candidates"),
    ):
        if estimate:
            yield (
                f"{name}: {estimate.value:.2%} of {of}, 95% interval {estimate.low:.2%} to {estimate.high:.2%}"
                f" (stratified, from {facts['clients']} clients)."
            )
        else:
            yield f"{name} cannot be told: a stratum has no answer yet."
    left = sum(sizes.values()) - sum(each.size for each in strata)
    if left:
        yield (
            f"{left:,} clients were not drawn from: those without a candidate, those decided by people, and strata that"
            " have no answer yet."
        )
    if facts["not_known"]:
        yield f"{facts['not_known']} clients nobody could tell about, or readers disagree on; they are left out."
    if facts["not_blind"]:
        yield f"{facts['not_blind']} clients were shown with the model's score, which draws readers towards it."


@dataclass(frozen=True)
class Design:
    """How a sample would be drawn, and the command that draws it."""

    run: Path
    size: int
    facts: Mapping[str, Any]

    @property
    def command(self) -> str:
        """What to type next."""
        return f'caretrace review export "{self.run}" --sample {self.size} --out DIR --reader NAME --reader NAME'

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {**self.facts, "command": self.command}

    def to_text(self) -> str:
        """A table of strata, and what to do."""
        rows = [("stratum", "clients", "to draw")]
        rows += [(each["name"], f"{each['size']:,}", f"{each['drawn']:,}") for each in self.facts["strata"]]
        width = max(len(row[0]) for row in rows)
        return "\n".join(
            [
                "Drawn by decision and by the probability of the best candidate, more where the model doubts more:",
                *(f"  {name:<{width}}  {size:>11}  {drawn:>7}" for name, size, drawn in rows),
                f"Not drawn from: {self.facts['without_candidate']:,} clients without a candidate,"
                f" {self.facts['decided_by_people']:,} decided by people.",
                f"1. Write the readers' sheets:  {self.command}",
                "2. Take their answers in:      caretrace review import DIR SHEET...",
                f'3. Evaluate:                   caretrace evaluate "{self.run}" --decisions decisions.jsonl --out DIR',
            ]
        )


def design(run: Path, size: int) -> Design:
    """The strata of a sample of `size` clients; nothing is written.

    Raises InputError where the folder is no finished run.
    """
    from caretrace import run_folder
    from caretrace.review import pairs

    opened = run_folder.open(run)
    with pairs.opened(opened.path) as connection:
        chosen = pairs.sample(connection, size, seed=0, run_id=opened.manifest["run_id"])
    return Design(run, size, chosen.facts)
