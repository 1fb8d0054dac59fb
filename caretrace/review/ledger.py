"""The file of decisions: one line for each, nothing ever rewritten.

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
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from caretrace.review.decisions import START, Decision, History, Key, Made, canonical
from governance.at_rest import read_bytes, write_durably
from governance.files import held
from schemas.errors import InputError, IntegrityFailure, SettingsError

VERSION = 1


def read(path: Path) -> History:
    """Read and check the whole file; an empty history where there is none yet.

    Raises IntegrityFailure where a line was altered, lost, moved or cut short.
    """
    head = _read_head(path)
    try:
        content = read_bytes(path)
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
            lines.append(canonical({**line, "hash": previous}) + b"\n")
            ids.append(line["id"])
        if lines:
            content = self.history.content + b"".join(lines)
            # Checked before it is kept: what could not be read back would lock everybody out.
            history = _history(self.path, content)
            write_durably(self.path, content)
            write_durably(_head(self.path), canonical({"lines": history.lines, "hash": history.head}) + b"\n")
            self.history = history
        return ids


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
    previous, number = START, 0
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
    except (ValueError, KeyError, AttributeError, TypeError):
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
    return sha256(canonical(line)).hexdigest()


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
        head = json.loads(read_bytes(_head(path)))
        return int(head["lines"]), str(head["hash"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise IntegrityFailure(f"{_head(path)}: altered since caretrace wrote it; {_WHAT_TO_DO}") from None


def _reaches(content: bytes, lines: int, hash_of_last: str) -> bool:
    """Whether the file holds the line the head has seen; a crash may leave the head behind the file, never ahead."""
    found = content.splitlines()
    return len(found) >= lines and (lines == 0 or json.loads(found[lines - 1])["hash"] == hash_of_last)
