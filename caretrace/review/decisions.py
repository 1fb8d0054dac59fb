"""The decisions of a project: one file, a line for each, nothing ever rewritten.

Every line holds the hash of the line before it and its own, so a line altered, removed, moved or cut short is seen
when the file is next read. A decision is taken back by a further line, its withdrawal. The file holds NHS numbers and
record ids, so only its owner can read it.

The file is replaced whole by a rename, with the lines before unchanged: a crash leaves the old file or the new one.
`decisions.head` beside it says how far it goes, so that losing its last lines is seen too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import rfc8785

from governance.files import held, write_durably
from schemas.errors import InputError, IntegrityFailure, SettingsError

VERSION = 1
_START = "0" * 64


class Key(NamedTuple):
    """What names a source record."""

    source: str
    source_org: str
    record_id: str


class Pair(NamedTuple):
    """A client record and a register person: a person with an NHS number is named by it, on whichever row it stands."""

    client: Key
    person: str | Key


@dataclass(frozen=True)
class Made:
    """What readers decided about one pair, before it has a place in the file."""

    client: Key
    register: Key
    nhs_number: str | None
    """The register person's number when it was decided."""
    verdict: str
    """same, different, cannot tell, or disagreed where the readers did and nobody has settled it."""
    by: tuple[str, ...]
    """The readers whose answers made the verdict."""
    answers: Mapping[str, str]
    """What each reader said."""
    rule: str
    """How the answers became the verdict."""
    run_id: str
    export_id: str
    blind: bool
    sample: Mapping[str, Any] | None = None
    """Where the pair was drawn for evaluation: sample_id, run_id, stratum, size, drawn, decision, rank, probability."""

    @property
    def pair(self) -> Pair:
        """What it is about."""
        return Pair(self.client, self.nhs_number or self.register)


@dataclass(frozen=True)
class Decision:
    """A decision as it stands in the file."""

    id: str
    at: datetime
    """In UTC."""
    made: Made


@dataclass(frozen=True)
class History:
    """The whole file, read and checked."""

    decisions: tuple[Decision, ...] = ()
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    """By the id of each decision taken back, the id of the line that did."""
    lines: int = 0
    head: str = _START
    content: bytes = b""

    @property
    def valid(self) -> tuple[Decision, ...]:
        """Every decision that was not withdrawn, oldest first."""
        return tuple(each for each in self.decisions if each.id not in self.withdrawn)

    @property
    def standing(self) -> dict[Pair, Decision]:
        """What holds today: of each pair the last decision that was not withdrawn."""
        return {each.made.pair: each for each in self.valid}


def read(path: Path) -> History:
    """Read and check the whole file; an empty history where there is none yet.

    Raises IntegrityFailure where a line was altered, lost, moved or cut short.
    """
    head = _read_head(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if head:
            raise IntegrityFailure(
                f"{path}: is gone, though {_head(path).name} beside it has seen {head[0]} lines; put it back from a"
                " backup"
            ) from None
        return History()
    history = _history(path, content)
    if head and not _reaches(content, *head):
        raise IntegrityFailure(
            f"{path}: ends at line {history.lines}, or differs, before line {head[0]}, which {_head(path).name} beside"
            f" it has seen; {_WHAT_TO_DO}"
        )
    return history


@contextmanager
def writing(path: Path) -> Iterator[Ledger]:
    """Hold the file for appending, read and checked; raises Busy where another command holds it."""
    if not path.parent.is_dir():
        raise InputError("there is no such folder to keep decisions in", path=path.parent)
    with held(path.with_name(f".{path.name}.lock")):
        yield Ledger(path, read(path))


class Ledger:
    """The file held for writing; made by `writing`."""

    def __init__(self, path: Path, history: History):
        """Continue after `history`, which was read from `path` under the lock."""
        self.path, self.history = path, history

    def decide(self, made: Sequence[Made], *, now: datetime) -> list[str]:
        """Append decisions, all or none of them, durable on return; gives their ids."""
        return self._append([{"kind": "decision", **_plain(each)} for each in made], now)

    def withdraw(self, ids: Sequence[str], *, by: str, now: datetime) -> list[str]:
        """Take decisions back; gives the ids of the lines that say so. InputError where one cannot be."""
        known = {each.id for each in self.history.decisions}
        for each in ids:
            if each not in known:
                raise InputError(
                    f"there is no decision {each}; `caretrace review list` shows their ids", path=self.path
                )
            if each in self.history.withdrawn:
                raise InputError(f"{each} was withdrawn before, by {self.history.withdrawn[each]}", path=self.path)
        return self._append([{"kind": "withdrawal", "withdraws": each, "by": [by]} for each in ids], now)

    def _append(self, bodies: Sequence[Mapping[str, Any]], now: datetime) -> list[str]:
        at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        previous, lines, ids = self.history.head, [], []
        for number, body in enumerate(bodies, self.history.lines + 1):
            line = {"v": VERSION, "id": f"D{number}", "at": at, **body, "prev": previous}
            previous = _digest(line)
            lines.append(rfc8785.dumps({**line, "hash": previous}) + b"\n")
            ids.append(line["id"])
        if lines:
            content = self.history.content + b"".join(lines)
            # Checked before it is kept: what could not be read back would lock everybody out.
            history = _history(self.path, content)
            write_durably(self.path, content)
            write_durably(_head(self.path), rfc8785.dumps({"lines": history.lines, "hash": history.head}) + b"\n")
            self.history = history
        return ids


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    return sha256(path.read_bytes()).hexdigest()


_WHAT_TO_DO = (
    "put the file back from a backup; without one, move it and its .head file away, and import the returned review"
    " files of its good decisions again"
)


def _history(path: Path, content: bytes) -> History:
    if content and not content.endswith(b"\n"):
        raise IntegrityFailure(
            f"{path}, line {content.count(10) + 1}: cut short, by a copy or a disk that failed; {_WHAT_TO_DO}"
        )
    decisions: list[Decision] = []
    withdrawn: dict[str, str] = {}
    previous, number = _START, 0
    for number, text in enumerate(content.splitlines(), 1):
        line = _checked(path, number, text, previous)
        previous = line["hash"]
        try:
            if line["kind"] == "withdrawal":
                withdrawn[line["withdraws"]] = line["id"]
            else:
                decisions.append(_decision(line))
        except (KeyError, TypeError, ValueError):
            raise IntegrityFailure(f"{path}, line {number}: not written by caretrace; {_WHAT_TO_DO}") from None
    return History(tuple(decisions), withdrawn, number, previous, content)


def _checked(path: Path, number: int, text: bytes, previous: str) -> dict[str, Any]:
    """The line as written, or IntegrityFailure."""
    try:
        line = json.loads(text)
        claimed = line.pop("hash")
        whole = claimed == _digest(line) and line["kind"] in ("decision", "withdrawal")
    except (ValueError, KeyError, AttributeError, TypeError, rfc8785.CanonicalizationError):
        whole = False
    if not whole:
        raise IntegrityFailure(f"{path}, line {number}: altered since caretrace wrote it; {_WHAT_TO_DO}")
    if line["v"] != VERSION:
        raise SettingsError(f"{path}, line {number}: written by a newer caretrace; use that version")
    if line["prev"] != previous or line["id"] != f"D{number}":
        raise IntegrityFailure(
            f"{path}, line {number}: does not follow the line before it, so lines were removed, added or moved;"
            f" {_WHAT_TO_DO}"
        )
    return {**line, "hash": claimed}


def _digest(line: Mapping[str, Any]) -> str:
    return sha256(rfc8785.dumps(dict(line))).hexdigest()


def _plain(made: Made) -> dict[str, Any]:
    keys = {"client": made.client._asdict(), "register": made.register._asdict(), "by": list(made.by)}
    return {**asdict(made), **keys}


def _decision(line: Mapping[str, Any]) -> Decision:
    facts = {name: line[name] for name in Made.__dataclass_fields__}
    facts |= {"client": Key(**line["client"]), "register": Key(**line["register"]), "by": tuple(line["by"])}
    return Decision(line["id"], datetime.strptime(line["at"], "%Y-%m-%dT%H:%M:%S%z"), Made(**facts))


def _head(path: Path) -> Path:
    return path.with_suffix(".head")


def _read_head(path: Path) -> tuple[int, str] | None:
    try:
        head = json.loads(_head(path).read_bytes())
        return int(head["lines"]), str(head["hash"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise IntegrityFailure(f"{_head(path)}: altered since caretrace wrote it; {_WHAT_TO_DO}") from None


def _reaches(content: bytes, lines: int, hash_of_last: str) -> bool:
    """Whether the file holds the line the head has seen; a crash may leave the head behind the file, never ahead."""
    found = content.splitlines()
    return len(found) >= lines and (lines == 0 or json.loads(found[lines - 1])["hash"] == hash_of_last)
