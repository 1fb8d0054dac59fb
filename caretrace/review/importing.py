"""Answers back in: checked row by row, resolved into decisions, and kept. All of it or nothing.

Every problem is told in a sentence with file, row and column, and nothing is kept while there is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from caretrace.review import sidecar
from caretrace.review.answers import collect, told
from caretrace.review.decisions import History, Made
from caretrace.review.ledger import writing
from caretrace.review.returned import read
from caretrace.review.sidecar import Export, Sent
from linkage.review import Agreement, Answer, agreement, resolve
from schemas.errors import InputError, SettingsError


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    export: Export
    answered: int
    """Pairs that every reader answered."""
    left: int
    """Pairs that are not, and stay as they are."""
    agreement: Agreement | None
    """None where one reader read."""
    verdicts: Mapping[str, int]
    ids: tuple[str, ...]
    """Of the lines written; fewer than `answered` where some were recorded before."""


def import_answers(
    folder: Path,
    files: Sequence[Path],
    *,
    decisions: Path,
    now: datetime,
    partial: bool = False,
    senior: str | None = None,
) -> Imported:
    """Take the answers in `files` to the export `folder`, and append what they decide to the file `decisions`.

    With `partial` what is not answered yet is left for later. With `senior` that reader's answer wins where two differ;
    otherwise such a pair is kept as disagreed, for a third look.

    Raises InputError with every problem found, and then keeps nothing; IntegrityFailure where the export's own file or
    the decisions were altered.
    """
    export = sidecar.read(folder)
    if senior is not None and senior not in export.readers:
        raise SettingsError(f"the senior reader must be one of this export's: {', '.join(export.readers)}")
    answers = collect(export, [read(path) for path in files], partial)
    whole = {place: given for place, given in answers.items() if len(given) == len(export.readers)}
    made = [_made(export, export.pairs[place], whole[place], senior) for place in sorted(whole)]
    with writing(decisions) as ledger:
        ids = ledger.decide(_new(made, ledger.history), now=now)
    both = [tuple(given[reader] for reader in export.readers) for given in whole.values()]
    return Imported(
        export,
        answered=len(whole),
        left=len(export.pairs) - len(whole),
        agreement=agreement([(one, other) for one, other in both]) if len(export.readers) > 1 else None,
        verdicts=Counter(each.verdict for each in made),
        ids=tuple(ids),
    )


def _made(export: Export, sent: Sent, given: Mapping[str, Answer], senior: str | None) -> Made:
    outcome = resolve(given, senior=senior)
    asked = sent.asked
    return Made(
        client=asked.client,
        register=asked.register,
        nhs_number=asked.nhs_number,
        verdict=outcome.verdict,
        by=outcome.by,
        answers={reader: answer.value for reader, answer in given.items()},
        rule=outcome.rule,
        run_id=export.run_id,
        export_id=export.export_id,
        blind=export.blind,
        sample=asked.sample,
    )


def _new(made: Sequence[Made], history: History) -> list[Made]:
    """What is not recorded yet; InputError where it would contradict what stands."""
    standing = history.standing
    before = {(each.made.export_id, each.made.pair): each for each in history.valid}
    same = {each.made.client: each for each in standing.values() if each.made.verdict == Answer.SAME}
    now_decided = {each.pair for each in made}
    new, problems = [], []
    for each in made:
        recorded = before.get((each.export_id, each.pair))
        if recorded and (recorded.made.verdict, recorded.made.answers) == (each.verdict, each.answers):
            continue
        if recorded and standing[each.pair] is not recorded:
            problems.append(
                f"the pair of {recorded.id} was decided again since, by {standing[each.pair].id}; withdraw that with"
                " `caretrace review undo` if this import shall count instead"
            )
        other = same.get(each.client)
        if each.verdict == Answer.SAME and other and other.made.pair not in {each.pair, *now_decided}:
            problems.append(
                f"{other.id} says that a client of this import is another person of the register; withdraw one of the"
                " two with `caretrace review undo`"
            )
        new.append(each)
    if problems:
        raise InputError(f"nothing was imported, for it contradicts earlier decisions: {told(problems)}")
    return new
