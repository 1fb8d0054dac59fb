"""Checking the log: every entry, its order and its end, against a signed checkpoint and any anchor kept elsewhere.

    audit/log.jsonl     one entry a line, RFC 8785 canonical JSON
    audit/leaves.bin    the RFC 6962 leaf hash of each entry, 32 bytes each: says which entry was touched
    audit/checkpoint    the signed size and root (C2SP tlog-checkpoint)
    audit/log.vkey      the public key, for an auditor who has no keys folder

The checkpoint alone proves that the log is what was signed. Somebody who puts back an older copy of the whole folder
is found only by an anchor (`anchors`): a checkpoint kept in the keys folder, in a release, or by somebody else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from governance.audit import merkle
from governance.audit.anchors import Anchor, of_keys, of_releases, of_witnesses, signed_by
from governance.audit.checkpoint import Checkpoint, Verifier
from governance.keys import signing_key
from schemas.errors import InputError, IntegrityFailure

LOG, LEAVES, CHECKPOINT, VKEY = "log.jsonl", "leaves.bin", "checkpoint", "log.vkey"

Entry = dict[str, Any]

_ONE_APPEND = 0.2
"""Seconds within which an append that was begun is over."""


@dataclass(frozen=True)
class Verification:
    """What a check of the log found; `entries` are what it holds, oldest first."""

    origin: str
    size: int
    anchored: bool
    key_confirmed: bool
    entries: tuple[Entry, ...]

    def to_text(self) -> str:
        """One or two sentences for a person."""
        anchor = "and agrees with the anchors kept outside it" if self.anchored else "not anchored"
        key = (
            "" if self.key_confirmed else " The public key was taken from the log's own folder: compare it with yours."
        )
        return f"The log of {self.size} entries is consistent, {anchor}.{key}"


@dataclass(frozen=True)
class Examined:
    """A log that holds what its checkpoint signs, and the bytes after that which nothing signs."""

    verifier: Verifier
    checkpoint: Checkpoint
    lines: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    tail: bytes
    loose: bool
    anchored: bool
    key_confirmed: bool


def verify(
    audit_dir: Path, *, keys_dir: Path | None = None, anchors: Sequence[Anchor] = (), verifier: Verifier | None = None
) -> Verification:
    """Check the whole log, or raise IntegrityFailure naming the first bad entry.

    `anchors` are those kept elsewhere; those in `keys_dir` and in the project's releases are added. The public key is
    `verifier`, else that of `keys_dir`, else the one in the log's folder (then `key_confirmed` is false).
    """
    found = examine(audit_dir, keys_dir=keys_dir, anchors=anchors, verifier=verifier)
    if found.loose:  # perhaps only because a release is just being logged, which takes milliseconds
        time.sleep(_ONE_APPEND)
        found = examine(audit_dir, keys_dir=keys_dir, anchors=anchors, verifier=verifier)
    if found.loose:
        raise IntegrityFailure(
            f"{audit_dir / LOG}: entry {found.checkpoint.size} and what follows is not signed: a write was "
            "interrupted, or something was added; the next release sets it aside and records that"
        )
    return Verification(
        found.verifier.name, found.checkpoint.size, found.anchored, found.key_confirmed, entries(audit_dir, found)
    )


def examine(
    audit_dir: Path, *, keys_dir: Path | None = None, anchors: Sequence[Anchor] = (), verifier: Verifier | None = None
) -> Examined:
    """Like `verify`, but leaves an unsigned tail to the caller."""
    # Anchors before the log: a release made meanwhile then shows more entries than its anchors, never fewer.
    released, witnessed = of_releases(audit_dir), of_witnesses(audit_dir)
    outside = [*anchors, *(of_keys(keys_dir, audit_dir, _origin(audit_dir)) if keys_dir else ())]
    if not (audit_dir / CHECKPOINT).exists():
        _no_log(audit_dir, [*released, *witnessed, *outside])
    note = _read(audit_dir / CHECKPOINT).decode("utf-8", "replace")
    verifier, confirmed = _verifier(audit_dir, note, keys_dir, verifier)
    checkpoint = Checkpoint.open(note, verifier)
    begun = checkpoint.size > 0 or (audit_dir / LOG).exists()
    pieces = (_read(audit_dir / LOG) if begun else b"").split(b"\n", checkpoint.size)
    lines, tail = tuple(pieces[: checkpoint.size]), b"".join(pieces[checkpoint.size :])
    index = _read(audit_dir / LEAVES)
    if len(pieces) <= checkpoint.size:
        lines = tuple(pieces[:-1])  # the last piece has no line end, so it is no whole entry
        _fail(audit_dir, [merkle.leaf_hash(line) for line in lines], index, checkpoint)
    leaves = tuple(merkle.leaf_hash(line) for line in lines)
    if merkle.root(leaves) != checkpoint.root:
        _fail(audit_dir, leaves, index, checkpoint)
    if index[: 32 * checkpoint.size] != b"".join(leaves):
        raise IntegrityFailure(f"{audit_dir / LEAVES}: the entries are intact but their index is not; it was altered")
    _check_anchors(audit_dir, [*signed_by(verifier, released), *witnessed, *outside], verifier, leaves)
    loose = bool(tail) or len(index) != 32 * checkpoint.size
    return Examined(verifier, checkpoint, lines, leaves, tail, loose, bool(outside), confirmed)


def entries(audit_dir: Path, found: Examined) -> tuple[Entry, ...]:
    """The entries parsed; IntegrityFailure where one is not ours in its place, or goes back in time."""
    parsed: list[Entry] = []
    before = ""
    for number, line in enumerate(found.lines):
        try:
            entry = json.loads(line)
            fits = entry["seq"] == number and before <= entry["at"] and isinstance(entry["body"], dict)
            before = entry["at"]
        except (ValueError, KeyError, TypeError):
            fits = False
        if not fits:
            raise IntegrityFailure(
                f"{audit_dir / LOG}: entry {number} is signed but is no entry of this log in its place"
            )
        parsed.append(entry)
    return tuple(parsed)


def _origin(audit_dir: Path) -> str:
    try:
        return (audit_dir / CHECKPOINT).read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def _verifier(audit_dir: Path, note: str, keys_dir: Path | None, given: Verifier | None) -> tuple[Verifier, bool]:
    """The key to check against, and whether it comes from outside the log's folder."""
    beside = Verifier.parse(_read(audit_dir / VKEY).decode("ascii", "replace"))
    if str(beside) + "\n" != _read(audit_dir / VKEY).decode("ascii", "replace"):
        raise IntegrityFailure(f"{audit_dir / VKEY}: the public key file was altered")
    private = signing_key(keys_dir) if keys_dir else None
    if given is None and private is not None:
        given = Verifier(note.partition("\n")[0], private.public_key().public_bytes_raw())
    if given is not None and given != beside:
        raise IntegrityFailure(
            f"{audit_dir}: the log is not of the key and name it should be; it was replaced or altered"
        )
    return beside, given is not None


def _no_log(audit_dir: Path, anchors: Sequence[Anchor]) -> NoReturn:
    """Tell a log that was removed from one that never was."""
    if anchors:
        raise IntegrityFailure(
            f"{audit_dir}: the log or its checkpoint was removed: {anchors[0].where} names a log in this place; "
            "restore the folder from backup, or, where this is another project, give it a folder of its own"
        )
    if (audit_dir / LOG).exists():
        raise IntegrityFailure(f"{audit_dir}: the log or its checkpoint was removed; restore the folder from backup")
    raise InputError("there is no audit log here; is this the project's audit folder?", path=audit_dir)


def _check_anchors(audit_dir: Path, anchors: Sequence[Anchor], verifier: Verifier, leaves: Sequence[bytes]) -> None:
    """Find the log as every anchor saw it, in one pass over the entries."""
    frontier, seen = merkle.Frontier([]), 0
    opened = [(_opened(audit_dir, anchor, verifier), anchor.where) for anchor in anchors]
    for anchor, where in sorted(opened, key=lambda pair: pair[0].size):
        if anchor.size > len(leaves):
            raise IntegrityFailure(
                f"{audit_dir}: entry {len(leaves)} and what follows is missing: an anchor in {where} saw "
                f"{anchor.size} entries, the log now holds {len(leaves)}; an older copy was put back"
                " (from a backup? then see `caretrace audit put-back`)"
            )
        for leaf in leaves[seen : anchor.size]:
            frontier.append(leaf)
        seen = anchor.size
        if frontier.root() != anchor.root:
            raise IntegrityFailure(f"{audit_dir}: the first {seen} entries are not those an anchor in {where} saw")


def _opened(audit_dir: Path, anchor: Anchor, verifier: Verifier) -> Checkpoint:
    try:
        return Checkpoint.open(anchor.note, verifier)
    except IntegrityFailure as error:
        raise IntegrityFailure(
            f"{audit_dir}: the anchor in {anchor.where} is not of this log, which was replaced or begun anew ({error})"
        ) from None


def _fail(audit_dir: Path, leaves: Sequence[bytes], index: bytes, checkpoint: Checkpoint) -> None:
    """Raise, naming the first entry that is not what was signed, as far as the index can be trusted to say."""
    signed = [index[at : at + 32] for at in range(0, 32 * checkpoint.size, 32)]
    where = audit_dir / LOG
    if merkle.root(signed) != checkpoint.root:
        raise IntegrityFailure(
            f"{where}: the log and its index both differ from what was signed; no entry can be trusted"
        )
    first = next((i for i, (a, b) in enumerate(zip(leaves, signed, strict=False)) if a != b), len(leaves))
    gone = f"; the log holds {len(leaves)} of {checkpoint.size} signed entries" if len(leaves) < checkpoint.size else ""
    raise IntegrityFailure(f"{where}: entry {first} was altered, moved or removed{gone}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IntegrityFailure(
            f"{path} is missing or cannot be read ({error.strerror}); restore it from backup"
        ) from None
