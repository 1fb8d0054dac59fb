"""Pairs out to readers: a folder with a sheet for each reader, and `review.json`, which stays with us.

Blind means that a reader sees the two records and nothing else: no score, no decision of the model, no other reader's
answer, clients and their candidates in an order shuffled for each reader.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Literal

from caretrace import run_folder
from caretrace.review import pairs, sheets, sidecar
from caretrace.review.codes import NAME_COLUMNS, code, name_prints
from caretrace.review.decisions import History, Key, canonical
from caretrace.review.ledger import read
from caretrace.review.marks import FIELDS
from caretrace.review.pairs import Asked, Chosen
from caretrace.review.plain import Record
from caretrace.review.sheets import Question
from caretrace.review.sidecar import Export, Sent
from governance.files import owner_only, sha256_of
from linkage.review import DISAGREED
from schemas.errors import InputError, SettingsError

MOST_READERS = 2
"""A third look is an export of its own, to somebody who has not seen the pairs."""
Form = Literal["xlsx", "csv"]
Records = Mapping[tuple[str, Key], Record]

_READER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass(frozen=True)
class Wanted:
    """Which pairs are wanted: those waiting for review, or one of the others."""

    sample: int | None = None
    """Draw this many clients for evaluation instead."""
    third_look: bool = False
    """Take those that readers disagree on instead."""
    limit: int | None = None
    """Of those waiting, this many clients at most."""
    again: bool = False
    """Of those waiting, also what was decided before."""

    def __post_init__(self) -> None:
        if self.sample is not None and (self.third_look or self.limit is not None or self.again):
            raise SettingsError("a sample is drawn from all clients: leave out --third-look, --limit and --again")
        if self.third_look and (self.limit is not None or self.again):
            raise SettingsError("a third look takes every pair in dispute: leave out --limit and --again")


def export(
    run: Path,
    out: Path,
    *,
    readers: Sequence[str],
    decisions: Path,
    seed: int = 0,
    wanted: Wanted | None = None,
    forms: Sequence[Form] = ("xlsx",),
    include_scores: bool = False,
) -> Export:
    """Choose pairs of the run folder `run` and write them to `out` for `readers`; `decisions` says what is settled.

    Raises InputError where nothing is left to ask, SettingsError where the readers will not do.
    """
    check_readers(readers)
    wanted = wanted or Wanted()
    run_id = str(run_folder.open(run).manifest["run_id"])
    history = read(decisions)
    with pairs.opened(run) as connection:
        if wanted.sample is not None:
            chosen = pairs.sample(connection, wanted.sample, seed=seed, run_id=run_id)
        elif wanted.third_look:
            _check_fresh(readers, history)
            chosen = pairs.third_look(connection, history, seed=seed)
        else:
            chosen = pairs.waiting(connection, history, seed=seed, limit=wanted.limit, again=wanted.again)
        records = pairs.records(connection, chosen.pairs)
    return write(
        out, chosen, records, run_id=run_id, readers=readers, seed=seed, forms=forms, include_scores=include_scores
    )


def write(
    out: Path,
    chosen: Chosen,
    records: Records,
    *,
    run_id: str,
    readers: Sequence[str],
    seed: int,
    forms: Sequence[Form] = ("xlsx",),
    include_scores: bool = False,
) -> Export:
    """Write the export folder `out`, whole or not at all; the same pairs, readers and seed give the same bytes.

    Raises InputError where `out` exists or nothing is left to ask, SettingsError for readers' names that will not do.
    """
    check_readers(readers)
    if not chosen.pairs:
        raise InputError("there is nothing to ask: no pair of this run waits for a reader")
    export_id = _export_id(chosen, run_id, readers, seed, include_scores)
    # Written like a run: under another name until it is whole, and what a crash left behind is removed the next time.
    with run_folder.drafting(out) as draft:
        questions = {}
        for reader in readers:
            order = _order(chosen.pairs, f"{seed} {export_id} {reader}")
            codes = [code(export_id, reader, asked.pair) for asked in order]
            questions[reader] = _questions(order, codes, records, include_scores)
            _write_sheets(draft.path, reader, questions[reader].values(), forms)
        files = {path.name: sha256_of(path) for path in sorted(draft.path.iterdir()) if path.is_file()}
        sent = tuple(_sent(asked, {reader: questions[reader][asked] for reader in readers}) for asked in chosen.pairs)
        made = Export(export_id, run_id, seed, not include_scores, tuple(readers), chosen.facts, files, sent)
        sidecar.write(draft.path, made)
        run_folder.finish_plain(draft)
    return made


def check_readers(readers: Sequence[str]) -> None:
    """Raise SettingsError unless the names can name files and tell the readers apart."""
    if not 1 <= len(readers) <= MOST_READERS:
        raise SettingsError(f"give one reader or two, each with --reader; {len(readers)} were given")
    if not all(_READER.fullmatch(name) for name in readers):
        raise SettingsError("a reader's name is 1 to 32 of the letters a to z, digits, '.', '_' and '-'")
    if len({name.casefold() for name in readers}) != len(readers):
        raise SettingsError("the two readers have one name; double reading needs two people")


def _check_fresh(readers: Sequence[str], history: History) -> None:
    """A third look by somebody who has answered already is no third look."""
    disputed = [each.made for each in history.standing.values() if each.made.verdict == DISAGREED]
    before = {name.casefold() for made in disputed for name in made.answers}
    if seen := [name for name in readers if name.casefold() in before]:
        raise SettingsError(f"{seen[0]} has answered pairs in dispute already; a third look needs another reader")


def _write_sheets(folder: Path, reader: str, questions: Collection[Question], forms: Sequence[Form]) -> None:
    for form in forms:
        path = folder / f"reader-{reader}.{form}"
        {"xlsx": sheets.write_xlsx, "csv": sheets.write_csv}[form](path, questions, reader)
        owner_only(path)


def _questions(
    order: Sequence[Asked], codes: Sequence[str], records: Records, include_scores: bool
) -> dict[Asked, Question]:
    made = {}
    together = groupby(zip(order, codes, strict=True), key=lambda each: each[0].client)
    for number, (_, group) in enumerate(together, 1):
        rows = list(group)
        for place, (asked, own) in enumerate(rows):
            client, register = records["client", asked.client], records["register", asked.register]
            made[asked] = Question(
                number=f"{number}{chr(ord('a') + place)}" if len(rows) > 1 else str(number),
                first=place == 0,
                fields=tuple(field.shown(client, register) for field in FIELDS),
                code=own,
                scores=(f"{asked.probability:.6f}", asked.method, asked.decision) if include_scores else (),
            )
    return made


def _order(pairs: Sequence[Asked], salt: str) -> list[Asked]:
    """Clients shuffled, a client's candidates together and shuffled too: the first says nothing of its chances."""

    def drawn(*parts: object) -> str:
        return sha256(repr((salt, *parts)).encode()).hexdigest()

    return sorted(pairs, key=lambda asked: (drawn(asked.client), drawn(asked.client, asked.register)))


def _sent(asked: Asked, questions: Mapping[str, Question]) -> Sent:
    prints = {reader: name_prints(each.code, _names(each)) for reader, each in questions.items()}
    return Sent(asked, {reader: each.code for reader, each in questions.items()}, prints)


def _names(question: Question) -> list[str]:
    """The cells of NAME_COLUMNS as they stand in the sheet."""
    titles = sheets.header(scores=bool(question.scores))
    cells = dict(zip(titles, sheets.row(question, ""), strict=True))
    return [cells[title] for title in NAME_COLUMNS]


def _export_id(chosen: Chosen, run_id: str, readers: Sequence[str], seed: int, include_scores: bool) -> str:
    asked = [sidecar.plain(each) for each in chosen.pairs]
    made_of = [run_id, list(readers), seed, include_scores, chosen.facts, asked]
    return sha256(canonical(made_of)).hexdigest()[:16]
