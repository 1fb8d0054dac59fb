"""Instant look-up for Python: a register in memory, one client at a time, decided as `caretrace.link` would decide."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from caretrace import entry, pipeline, working_store
from caretrace.api import _model, _register_sources
from caretrace.run_settings import RunSettings, TestNumbers
from caretrace.version import __version__
from linkage.lookup.answer import Candidate, Match
from schemas.errors import InputError, SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    from linkage import Model
    from linkage.lookup.register import Entry, Register

__all__ = ["Candidate", "Match", "Matcher"]

Row = Mapping[str, Any]
Numberless = Literal["auto", "link", "review"]


@dataclass(frozen=True)
class _Options:
    test_numbers: TestNumbers
    numberless: Numberless


class Matcher:
    """A register that clients are looked up in.

    >>> matcher = Matcher("register.parquet", model="run/model.json")  # doctest: +SKIP
    >>> matcher.match({"given_name": "Ann", "family_name": "Lee", "birth_date": "1931-07-09"})  # doctest: +SKIP

    One Matcher may serve many threads: look-ups and changes take turns.
    """

    def __init__(
        self,
        register: Path | str | object | Sequence[Path | str | object],
        model: Model | Path | str | None = None,
        *,
        register_as: str | Sequence[str | None] | None = None,
        as_at: date | None = None,
        test_numbers: TestNumbers = "count",
        numberless: Numberless = "auto",
        threads: int | None = None,
        progress: Progress = SILENT,
    ) -> None:
        """Read `register`, which is anything that `caretrace.link` takes as one.

        `model` is a model or the JSON file of one (`model.json` of a run), the default that ships where None; a model
        whose bands were derived from a run decides by these, one without as for a client alone. `as_at` is the day that
        dates are judged by, each look-up's own where None. `test_numbers` is as for `caretrace.link`; `numberless` says
        what becomes of a link to a register person without an NHS number, as `linkage.Settings` does.

        Raises InputError or SettingsError where the register, the model or a setting is wrong.
        """
        from linkage import default_model
        from linkage.lookup.build import build

        options = _Options(test_numbers, numberless)
        chosen = _model(model) or default_model()
        settings = RunSettings(as_at=as_at or _today(), test_numbers=test_numbers, threads=threads)
        sources = _register_sources(register, register_as)
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caretrace-")))
            connection = stack.enter_context(working_store.opened(folder, settings))
            pipeline.read(connection, {"register": sources}, settings, progress)
            stack.enter_context(progress.stage("Indexing"))
            self._begin(build(connection), chosen, options, as_at)

    def _begin(self, register: Register, model: Model, options: _Options, as_at: date | None) -> None:
        from linkage.lookup.search import single_client_bands
        from linkage.lookup.weigh import Weigher

        if options.numberless not in ("auto", "link", "review"):
            raise SettingsError("numberless is one of 'auto', 'link' and 'review'")
        if model.provenance.get("names lean on") == "a population":
            raise SettingsError(
                "the model was trained with a population's name frequencies, which a look-up does not have; give a"
                " model trained without --population"
            )
        self._register, self._options, self._as_at = register, options, as_at
        self._model = model
        self._weigher = Weigher.of(replace(model, bands=model.bands or single_client_bands()))
        self._lock = threading.RLock()
        self._changed = False
        # Modules and the list of nicknames are read now, and not in the first look-up.
        self.match({"given_name": "Ann", "family_name": "Lee", "birth_date": "1931-07-09", "gender": "2"})

    def __len__(self) -> int:
        return len(self._register)

    def __repr__(self) -> str:
        return f"<caretrace.Matcher of {len(self):,} register rows, model {self._weigher.model_id}>"

    @property
    def model(self) -> Model:
        """The model that decides, with its bands."""
        return self._weigher.model

    def match(self, client: Row) -> Match:
        """Look up one client: a dictionary of columns of PERSON, as text, dates or numbers (docs/tables.md).

        Beside them `names`, `addresses` and `identifiers` may hold lists of dictionaries with columns of NAME, ADDRESS
        and IDENTIFIER. A value that cannot be used (a postcode that is none) counts as missing and is named in
        `Match.not_used`. Raises InputError, naming columns and never values, for what is no record at all.
        """
        from linkage.lookup.record import record
        from linkage.lookup.search import search

        read = self._read(client)
        looked_for = record(read.person, read.names, read.addresses, read.identifiers)
        with self._lock:
            found = search(self._register, self._weigher, looked_for, numberless=self._options.numberless)
        return replace(found, not_used=read.not_used) if read.not_used else found

    def match_many(self, clients: Iterable[Row]) -> list[Match]:
        """Look up clients one after the other; for long lists `caretrace.link` is faster."""
        return [self.match(client) for client in clients]

    def add(self, rows: Row | Iterable[Row]) -> int:
        """Put one register row or several in, all or none; gives their number.

        A row is what `match` takes, with its `record_id`, and with `source` and `source_org` where the register has
        several. Raises InputError where a row is in the register already.
        """
        entries = self._entries(rows)
        with self._lock:
            if any(self._register.find(each.key) is not None for each in entries):
                raise InputError("a row with this source, source_org and record_id is in the register; use change")
            self._put(entries)
        return len(entries)

    def change(self, rows: Row | Iterable[Row]) -> int:
        """Put one register row or several in the place of those with the same ids, all or none; gives their number.

        A row stands for the whole record: what it does not say is not known any more. Raises InputError where a row is
        not in the register.
        """
        entries = self._entries(rows)
        with self._lock:
            self._take([each.key for each in entries])
            self._put(entries)
        return len(entries)

    def remove(self, rows: str | Row | Iterable[str | Row]) -> int:
        """Take out the rows with these ids, or with these `record_id`, `source` and `source_org`; gives their number.

        Nobody finds them from then on. What they held leaves memory with the next `save`. Raises InputError where one
        is not in the register; then none is taken out.
        """
        given = [rows] if isinstance(rows, str | Mapping) else list(rows)
        keys = [self._key({"record_id": each} if isinstance(each, str) else each) for each in given]
        with self._lock:
            self._take(keys)
        return len(keys)

    def save(self, path: Path | str) -> None:
        """Write the Matcher to one file, readable by its owner only: it holds the register's people.

        Raises InputError where it cannot be written.
        """
        from linkage.lookup.file import Saved, save

        with self._lock:
            if self._changed:
                self._register, self._changed = self._register.compacted(), False
            save(Path(path), Saved(self._register, self._model, asdict(self._options)), version=__version__)

    @classmethod
    def open(cls, path: Path | str, model: Model | Path | str | None = None, *, as_at: date | None = None) -> Matcher:
        """The Matcher that `save` wrote, with its own model unless another is given.

        Raises InputError where the file is something else, IntegrityFailure where it was altered or cut short, and
        SettingsError where another version of caretrace wrote it.
        """
        from linkage.lookup.file import load

        saved = load(Path(path), version=__version__)
        matcher = cls.__new__(cls)
        matcher._begin(saved.register, _model(model) or saved.model, _Options(**saved.settings), as_at)
        return matcher

    def _read(self, row: Row) -> entry.Read:
        as_at = self._as_at or _today()
        return entry.read(row, as_at=as_at, test_numbers=self._options.test_numbers == "count")

    def _key(self, row: Row) -> tuple[str, str, str]:
        return entry.key_of(row, origins=self._register.origins)

    def _entries(self, rows: Row | Iterable[Row]) -> list[Entry]:
        from linkage.lookup.record import record
        from linkage.lookup.register import Entry
        from linkage.lookup.texts import duckdb_hashes

        given = [rows] if isinstance(rows, Mapping) else list(rows)
        read = [self._read(row) for row in given]
        keys = [self._key(row) for row in given]
        _refuse_repeats(keys)
        return [
            Entry(record(each.person, each.names, each.addresses, each.identifiers), *key, tie)
            for each, key, tie in zip(read, keys, duckdb_hashes(keys), strict=True)
        ]

    def _put(self, entries: Sequence[Entry]) -> None:
        for each in entries:
            self._register.add(each)
        self._changed = True

    def _take(self, keys: Sequence[tuple[str, str, str]]) -> None:
        _refuse_repeats(keys)
        found = [self._register.find(key) for key in keys]
        if missing := found.count(None):
            raise InputError(f"{missing} of {len(keys)} rows are not in the register, so nothing was changed")
        for row in found:
            if row is not None:
                self._register.remove(row)
        self._changed = True


def _refuse_repeats(keys: Sequence[tuple[str, str, str]]) -> None:
    if len(set(keys)) < len(keys):
        raise InputError("the same row is given twice (source, source_org and record_id); give it once")


def _today() -> date:
    return date.today()  # noqa: DTZ011 - the user's own calendar day
