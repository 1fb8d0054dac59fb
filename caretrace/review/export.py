"""Pairs out to readers: a folder with a sheet for each reader, and `review.json`, which stays with us.

Blind means that a reader sees the two records and nothing else: no score, no decision of the model, no other reader's
answer, clients and their candidates in an order shuffled for each reader.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Literal

from caretrace.review import sheets, sidecar
from caretrace.review.codes import NAME_COLUMNS, code, name_prints
from caretrace.review.decisions import Key
from caretrace.review.marks import FIELDS
from caretrace.review.pairs import Asked, Chosen
from caretrace.review.plain import Record
from caretrace.review.sheets import Question
from caretrace.review.sidecar import Export, Sent
from governance.files import move, owner_only, sha256_of
from schemas.errors import InputError, SettingsError

MOST_READERS = 2
"""A third look is an export of its own, to somebody who has not seen the pairs."""
Form = Literal["xlsx", "csv"]
Records = Mapping[tuple[str, Key], Record]

_READER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


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
    if os.path.lexists(out):
        raise InputError("exists already; give --out a new name", path=out)
    if not chosen.pairs:
        raise InputError("there is nothing to ask: no pair of this run waits for a reader")
    export_id = _export_id(chosen, run_id, readers, seed, include_scores)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    try:
        questions = {}
        for reader in readers:
            order = _order(chosen.pairs, f"{seed} {export_id} {reader}")
            codes = [code(export_id, reader, asked.pair) for asked in order]
            questions[reader] = _questions(order, codes, records, include_scores)
            _write_sheets(draft, reader, questions[reader].values(), forms)
        files = {path.name: sha256_of(path) for path in sorted(draft.iterdir())}
        sent = tuple(_sent(asked, {reader: questions[reader][asked] for reader in readers}) for asked in chosen.pairs)
        made = Export(export_id, run_id, seed, not include_scores, tuple(readers), chosen.facts, files, sent)
        sidecar.write(draft, made)
        move(draft, out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def check_readers(readers: Sequence[str]) -> None:
    """Raise SettingsError unless the names can name files and tell the readers apart."""
    if not 1 <= len(readers) <= MOST_READERS:
        raise SettingsError(f"give one reader or two, each with --reader; {len(readers)} were given")
    if not all(_READER.fullmatch(name) for name in readers):
        raise SettingsError("a reader's name is 1 to 32 of the letters a to z, digits, '.', '_' and '-'")
    if len({name.casefold() for name in readers}) != len(readers):
        raise SettingsError("the two readers have one name; double reading needs two people")


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
    pairs = [sidecar.plain(asked) for asked in chosen.pairs]
    made_of = [run_id, list(readers), seed, include_scores, chosen.facts, pairs]
    return sha256(sidecar.canonical(made_of)).hexdigest()[:16]
