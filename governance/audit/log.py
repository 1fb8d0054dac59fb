"""Appending to the log: durable before it returns, one writer at a time, nothing said twice or taken back.

An entry counts once the checkpoint over it is on disk. The order is: entries, their leaf hashes, the checkpoint, the
anchor in the keys folder, each forced to disk. A crash in between leaves bytes that no checkpoint signs and that
nobody was told of; the next writer moves them to a file beside the log and records that as an entry.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785

from governance.audit import anchors, merkle
from governance.audit.checkpoint import Checkpoint, Verifier, proof_text
from governance.audit.verification import (
    CHECKPOINT,
    LEAVES,
    LOG,
    VKEY,
    Entry,
    Examined,
    entries,
    examine,
)
from governance.files import held, owner_only, write_durably
from governance.keys import Keys
from schemas.errors import InputError, Refused
from schemas.nhs_number import fault

ENTRY_VERSION = 1
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would write CRLF for every line end
_TEN_DIGITS = re.compile(r"(?<![0-9A-Za-z])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Receipt:
    """An entry as it stands in the log."""

    index: int
    line: bytes


class Log:
    """The log of one project, held for writing; made by `opened`."""

    def __init__(self, audit_dir: Path, keys: Keys, origin: str, found: Examined | None, held_entries: Sequence[Entry]):
        """Continue after `found`, or begin an empty log named `origin`."""
        self.audit_dir, self.entries = audit_dir, list(held_entries)
        self._keys, self.origin, self._broken = keys, origin, False
        self._leaves = list(found.leaves) if found else []
        self._frontier = merkle.Frontier(self._leaves)

    def append(self, items: Sequence[tuple[str, Mapping[str, Any]]], *, now: datetime) -> list[Receipt]:
        """Write entries (type, body) as one batch and sign the new size; Refused where that cannot be made durable."""
        if self._broken:
            raise Refused("the audit log could not be written before, so nothing more is done in this run")
        at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if self.entries and at < self.entries[-1]["at"]:
            raise Refused(
                "the clock is behind the last entry of the audit log; set the clock right, nothing leaves before"
            )
        first = len(self.entries)
        made: list[Entry] = [
            {
                "v": ENTRY_VERSION,
                "seq": first + i,
                "at": at,
                "type": kind,
                "body": dict(body),
                # A proof given to a recipient holds hashes of other entries; unsalted, short ones could be guessed.
                "salt": secrets.token_hex(16),
            }
            for i, (kind, body) in enumerate(items)
        ]
        lines = [rfc8785.dumps(entry) for entry in made]
        for line in lines:
            _check_holds_nobody(line)
        self._broken = True  # until the last write below has succeeded
        try:
            self._write(lines)
        except OSError as error:
            raise Refused(
                f"the audit log in {self.audit_dir} cannot be written ({error.strerror}); nothing leaves"
            ) from None
        self._broken = False
        self.entries += made
        return [Receipt(first + i, line) for i, line in enumerate(lines)]

    def _write(self, lines: Sequence[bytes]) -> None:
        leaves = [merkle.leaf_hash(line) for line in lines]
        _append_durably(self.audit_dir / LOG, b"".join(line + b"\n" for line in lines))
        _append_durably(self.audit_dir / LEAVES, b"".join(leaves))
        for leaf in leaves:
            self._frontier.append(leaf)
        self._leaves += leaves
        note = self.checkpoint()
        write_durably(self.audit_dir / CHECKPOINT, note.encode())
        anchors.keep(self._keys.folder, self.audit_dir, note)

    def checkpoint(self) -> str:
        """The signed checkpoint over everything appended so far."""
        return Checkpoint(self.origin, self._frontier.size, self._frontier.root()).sign(self._keys.signing)

    def proof(self, index: int) -> str:
        """Offline proof that entry `index` is in the log as it stands (C2SP tlog-proof)."""
        return proof_text(index, merkle.inclusion_proof(self._leaves, index), self.checkpoint())


@contextmanager
def opened(audit_dir: Path, keys: Keys, *, now: datetime) -> Iterator[Log]:
    """Hold the log for writing, checked from end to end; a new one is begun where there has never been one.

    Raises Busy where another run holds it, IntegrityFailure where it was altered, Refused where it cannot be written.
    """
    with _opened(audit_dir, lambda: _open(audit_dir, keys, now)) as log:
        yield log


@contextmanager
def opened_after(audit_dir: Path, keys: Keys, check: Callable[[], Examined], *, now: datetime) -> Iterator[Log]:
    """Hold a log that is there already, checked by `check` instead; for `upkeep.put_back` alone."""
    with _opened(audit_dir, lambda: _go_on(audit_dir, keys, check(), now)) as log:
        yield log


@contextmanager
def _opened(audit_dir: Path, begin: Callable[[], Log]) -> Iterator[Log]:
    with ExitStack() as stack:
        try:
            audit_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            stack.enter_context(held(audit_dir / "lock"))
            for path in (audit_dir, *audit_dir.iterdir()):
                owner_only(path)
            log = begin()
        except OSError as error:
            raise Refused(
                f"the audit log in {audit_dir} cannot be written ({error.strerror}); nothing leaves"
            ) from None
        yield log


def _open(audit_dir: Path, keys: Keys, now: datetime) -> Log:
    if not any((audit_dir / name).exists() for name in (LOG, CHECKPOINT)):
        return _begin(audit_dir, keys, now)
    return _go_on(audit_dir, keys, examine(audit_dir, keys_dir=keys.folder), now)


def _go_on(audit_dir: Path, keys: Keys, found: Examined, now: datetime) -> Log:
    log = Log(audit_dir, keys, found.verifier.name, found, entries(audit_dir, found))
    if found.loose:
        _set_aside_tail(log, found, now)
    return log


def _begin(audit_dir: Path, keys: Keys, now: datetime) -> Log:
    """Begin a log, unless the keys folder or a release of the project knows of one in this place."""
    with suppress(InputError):  # says that there is no log; an anchor of one is an IntegrityFailure
        examine(audit_dir, keys_dir=keys.folder)
    origin = f"caretrace/log/{secrets.token_hex(8)}"
    verifier = Verifier(origin, keys.signing.public_key().public_bytes_raw())
    log = Log(audit_dir, keys, origin, None, ())
    write_durably(audit_dir / VKEY, f"{verifier}\n".encode())
    write_durably(audit_dir / LEAVES, b"")
    # Signing the empty log first means that a crash from here on is a crash like any other.
    write_durably(audit_dir / CHECKPOINT, log.checkpoint().encode())
    log.append([("LOG_CREATED", {"origin": origin, "key_version": keys.version})], now=now)
    return log


def _set_aside_tail(log: Log, found: Examined, now: datetime) -> None:
    size = len(found.lines)
    name = f"unsigned-after-{size}-{sha256(found.tail).hexdigest()[:8]}.bytes"
    write_durably(log.audit_dir / name, found.tail)
    if found.tail:
        os.truncate(log.audit_dir / LOG, sum(len(line) + 1 for line in found.lines))
    os.truncate(log.audit_dir / LEAVES, 32 * size)
    body = {"file": name, "bytes": len(found.tail), "sha256": sha256(found.tail).hexdigest()}
    log.append([("LOG_RECOVERED", body)], now=now)


def _append_durably(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _BINARY, 0o600), "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _check_holds_nobody(line: bytes) -> None:
    """The last guard of the rule that no person's identifier is ever logged; our own callers should never meet it."""
    if any(fault(found.group()) is None for found in _TEN_DIGITS.finditer(line.decode())):
        raise Refused(
            "an audit entry would hold what looks like an NHS number (in a name or reference?); nothing leaves"
        )
