"""Check a copy of a caretrace audit log with nothing but Python 3.11 and the package `cryptography`.

    python verify_audit_log.py AUDIT_DIR --key VKEY [--anchor FILE]... [--witness VKEY]...

It uses none of caretrace, so that it need not be trusted: read it, then run it on your own machine on a copy of the
project's folder `audit`. It writes nothing. In that folder it reads

    log.jsonl    one entry a line, each in the one canonical form of JSON (RFC 8785)
    leaves.bin   SHA-256 of each line (with a zero byte before it), 32 bytes each
    checkpoint   how many entries there are and the root of their Merkle tree (RFC 6962), signed with Ed25519 by the
                 log's key (C2SP: signed-note, tlog-checkpoint)
    log.vkey     the public key, one line: name+identifier+key
    witnessed/*  earlier checkpoints which other organisations have signed as well (C2SP: tlog-cosignature)

What proves what: the signature shows that the entries are those the holder of the key signed. The key lies beside the
log, so compare it with one you had before (--key: the text, or a file of it). Neither shows that the folder is not an
older copy: for that give checkpoints or .tlog-proof files kept elsewhere (--anchor), such as those sent with releases.
--witness is the public key of an organisation that cosigns; then one of its cosignatures must be there and be right.
Releases that somebody approved by a signature of their own carry it: it is checked against the release it stands with
and the key that the log recorded that person by when the agreement was signed.

Exit codes: 0 everything holds; 1 there is no log to check here; 2 wrong usage; 4 something was altered or is missing.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG_KEY, WITNESS_KEY = b"\x01", b"\x04"
"""What an Ed25519 key is for, the byte before it: signing notes, or cosigning checkpoints."""
DASH = "\u2014"
"""Every signature line begins with it."""
LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON reads alike (RFC 8785 section 3.1)."""


class Altered(Exception):
    """Something is not what was signed; the message says what and where."""


class NoLog(Exception):
    """There is nothing here that could be checked."""


# --- Signed notes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A public key and the name it signs under."""

    name: str
    use: bytes
    public: bytes

    @property
    def identifier(self) -> bytes:
        """Four bytes that tell keys of one name apart; no security rests on them."""
        return sha256(self.name.encode() + b"\n" + self.use + self.public).digest()[:4]


def parse_key(text: str, use: bytes, where: str) -> Key:
    """Read `name+identifier+key`, of which each part must fit the others."""
    name, _, rest = text.removesuffix("\n").partition("+")
    identifier, _, encoded = rest.partition("+")
    data = unbase64(encoded, where)
    key = Key(name, data[:1], data[1:])
    if key.use != use or len(key.public) != 32 or key.identifier.hex() != identifier:
        raise Altered(f"{where} is no public key of this kind, or was altered")
    return key


def unbase64(text: str, where: str) -> bytes:
    """Decode, and refuse a second spelling of the same bytes, or a changed letter could go unseen."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if base64.b64encode(data).decode() != text:
        raise Altered(f"{where}: a field in base64 is damaged")
    return data


def signatures_by(note: str, key: Key, where: str) -> tuple[str, list[bytes]]:
    """The text that was signed, and every signature that says it is by `key`, not yet checked."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Altered(f"{where} is not a signed note: text, an empty line, signature lines")
    found = []
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        signature = unbase64(encoded, where)
        if dash != DASH or len(signature) < 5:
            raise Altered(f"{where} has a line that is no signature")
        if (name, signature[:4]) == (key.name, key.identifier):
            found.append(signature[4:])
    return text + "\n", found


def is_signed(key: Key, signature: bytes, message: str) -> bool:
    """Whether the signature is of this message by this key."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message.encode())
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True)
class Checkpoint:
    """The log as it was at one moment."""

    size: int
    root: bytes


def open_checkpoint(note: str, key: Key, where: str) -> Checkpoint:
    """Read three lines (the log's name, its size, its root) that the log's key signed."""
    text, signatures = signatures_by(note, key, where)
    if len(signatures) != 1:
        raise Altered(f"{where} is not signed by the key of this log, or more than once")
    if not is_signed(key, signatures[0], text):
        raise Altered(f"{where}: the signature is wrong, so it was altered")
    lines = text.split("\n")
    if len(lines) != 4 or lines[0] != key.name or not (lines[1].isascii() and lines[1].isdigit()):
        raise Altered(f"{where} is not of this log, or not in its form: name, size, root")
    root = unbase64(lines[2], where)
    if len(root) != 32 or lines[1] != str(int(lines[1])) or lines[3]:
        raise Altered(f"{where} is not in its one form")
    return Checkpoint(int(lines[1]), root)


def cosigned_at(note: str, witness: Key, where: str) -> datetime | None:
    """When the witness signed this checkpoint; None where it did not."""
    text, signatures = signatures_by(note, witness, where)
    if not signatures:
        return None
    seconds = int.from_bytes(signatures[0][:8], "big")
    if not is_signed(witness, signatures[0][8:], f"cosignature/v1\ntime {seconds}\n{text}"):
        raise Altered(f"{where}: the cosignature of {witness.name} is wrong, so it was altered")
    return datetime.fromtimestamp(seconds, UTC)


# --- The tree and its entries -----------------------------------------------------------------------------------------


class Tree:
    """The roots of the complete subtrees that the entries so far make up, largest first (RFC 6962 section 2.1)."""

    def __init__(self) -> None:
        self.size = 0
        self.subtrees: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add an entry's hash at the right."""
        size = self.size
        while size & 1:  # each set bit is a complete subtree, which the new leaf completes to the next size
            leaf = node(self.subtrees.pop(), leaf)
            size >>= 1
        self.subtrees.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self.subtrees:
            return sha256(b"").digest()
        found = self.subtrees[-1]
        for subtree in reversed(self.subtrees[:-1]):
            found = node(subtree, found)
        return found


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees; the 1 keeps them from being passed off as an entry."""
    return sha256(b"\x01" + left + right).digest()


def leaf(line: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + line).digest()


def _ordered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name.encode("utf-16-be") for name, _ in pairs]
    if any(one >= other for one, other in pairwise(names)):
        raise ValueError("names are not in the order of RFC 8785, or one is there twice")
    return dict(pairs)


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) > LARGEST:
        raise ValueError("a number is too large for every reader to read alike")
    return number


def _refused(text: str) -> Any:
    raise ValueError("an entry of this log holds whole numbers only")


READ = json.JSONDecoder(object_pairs_hook=_ordered, parse_int=_whole, parse_float=_refused, parse_constant=_refused)
WRITE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def check_entry(number: int, line: bytes, before: str) -> dict[str, Any]:
    """Check that a line is an entry in its place and in canonical form; gives it."""
    try:
        entry = READ.decode(line.decode("utf-8"))
        # Names were in order as read, so writing them as they stand is the canonical form.
        canonical = WRITE.encode(entry).encode("utf-8") == line
        fits = entry["seq"] == number and isinstance(entry["body"], dict) and isinstance(entry["type"], str)
        at = str(entry["at"])
        datetime.fromisoformat(at)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Altered(f"log.jsonl: entry {number} is signed but is no entry in canonical form") from None
    if not (canonical and fits and before <= at):
        raise Altered(f"log.jsonl: entry {number} is signed but not in its place, its time or its canonical form")
    return dict(entry)


# --- Approvals --------------------------------------------------------------------------------------------------------

APPROVAL = "caretrace release approval v1"


class Approvals:
    """Who signed each agreement with which key, and the releases approved by one of them, as entries go by."""

    def __init__(self) -> None:
        self.keys: dict[tuple[Any, ...], dict[tuple[str, str], str]] = {}
        self.signed = self.by_name = 0

    def add(self, entry: dict[str, Any]) -> None:
        """Take note of an agreement's signatories, or check a release's approval against them."""
        body = entry["body"]
        about = tuple(body.get(name) for name in ("agreement_id", "agreement_version", "agreement_sha256"))
        if entry["type"] == "AGREEMENT_RECORDED":
            self.keys[about] = {(each["organisation"], each["role"]): each["key"] for each in body.get("signers", ())}
        elif entry["type"] == "RELEASE_INTENT" and "approval" in body:
            check_approval(body, self.keys.get(about, {}), f"log.jsonl: entry {entry['seq']}")
            self.signed += 1
        elif entry["type"] == "RELEASE_INTENT":
            self.by_name += 1

    def said(self) -> list[str]:
        """How releases were approved, in a sentence."""
        if not self.signed + self.by_name:
            return []
        return [
            f"Of {self.signed + self.by_name} releases begun, {self.signed} carry the approver's signature, which"
            f" holds; {self.by_name} name an approver only."
        ]


def check_approval(body: dict[str, Any], keys: dict[tuple[str, str], str], where: str) -> None:
    """Check that an approval is of this release, and signed with its signatory's key."""
    text, _, rest = body["approval"].partition("\n\n")
    lines = text.split("\n")
    release = [
        *(APPROVAL, body.get("approved_sha256"), f"{body['agreement_id']} {body['agreement_version']}"),
        *(body["agreement_sha256"], body["recipient"], body["run_id"]),
    ]
    if len(lines) != 10 or lines[:6] != release or lines[8] != body["approved_by"]:
        raise Altered(f"{where}: the approval in it is of another release")
    name = rest.partition(" ")[2].partition(" ")[0]
    public = unbase64(keys.get((lines[6], lines[7]), "").removeprefix("ed25519:"), where)
    key = Key(name, LOG_KEY, public)
    _, signatures = signatures_by(body["approval"], key, where)
    if len(public) != 32 or len(signatures) != 1 or not is_signed(key, signatures[0], text + "\n"):
        raise Altered(f"{where}: the approval in it is not signed by the key that its signatory is known by")


# --- The check --------------------------------------------------------------------------------------------------------


def check(audit_dir: Path, key: str | None, anchors: Sequence[Path], witnesses: Sequence[str]) -> list[str]:
    """Check everything and say in sentences what holds; raises Altered or NoLog."""
    if not (audit_dir / "checkpoint").exists():
        if anchors or (audit_dir / "log.jsonl").exists():
            raise Altered("the log's checkpoint was removed")
        raise NoLog(f"there is no audit log in {audit_dir}")
    log_key = _log_key(audit_dir, key)
    signed = open_checkpoint(_text(audit_dir / "checkpoint"), log_key, "checkpoint")
    approvals = Approvals()
    leaves = _check_lines(audit_dir, signed, approvals)
    said = [f"The log {log_key.name} holds {signed.size} entries, each as it was signed.", *approvals.said()]
    kept = [(path, _note(path)) for path in anchors]
    beside = [(path, _text(path)) for path in sorted((audit_dir / "witnessed").glob("*.checkpoint"))]
    opened = [(open_checkpoint(note, log_key, str(path)), str(path)) for path, note in (*kept, *beside)]
    _check_earlier(leaves, opened)
    if anchors:
        said.append(f"It agrees with {len(anchors)} anchor(s) kept elsewhere.")
    else:
        said.append("No anchor was given: an older copy of the whole folder could not be told from this one.")
    for text in witnesses:
        said.append(_witness(parse_key(_given(text), WITNESS_KEY, "--witness"), [*kept, *beside], log_key))
    if key is None:
        said.append(f"The key was taken from beside the log; compare it with yours: {_text(audit_dir / 'log.vkey')}")
    return said


def _log_key(audit_dir: Path, given: str | None) -> Key:
    text = _text(audit_dir / "log.vkey")
    key = parse_key(text, LOG_KEY, "log.vkey")
    if not text.endswith("\n"):
        raise Altered("log.vkey was altered")
    if given is not None and parse_key(_given(given), LOG_KEY, "--key") != key:
        raise Altered("log.vkey is not the key that was given: the log was replaced")
    return key


def _check_lines(audit_dir: Path, signed: Checkpoint, approvals: Approvals) -> list[bytes]:
    """Check entries, their order and their end against the signed root; gives their leaf hashes."""
    empty = signed.size == 0 and not (audit_dir / "log.jsonl").exists()
    pieces = (b"" if empty else _bytes(audit_dir / "log.jsonl")).split(b"\n")
    index = _bytes(audit_dir / "leaves.bin")
    lines, tail = pieces[:-1], pieces[-1]  # what follows the last line end is no whole entry
    leaves = [leaf(line) for line in lines[: signed.size]]
    if len(lines) < signed.size or _root(leaves) != signed.root:
        raise Altered(_where(leaves, index, signed))
    if index[: 32 * signed.size] != b"".join(leaves):
        raise Altered("leaves.bin was altered; the entries themselves are as signed")
    if tail or len(lines) > signed.size or len(index) > 32 * signed.size:
        raise Altered(f"log.jsonl: entry {signed.size} and what follows is not signed")
    before = ""
    for number, line in enumerate(lines):
        entry = check_entry(number, line, before)
        before = entry["at"]
        approvals.add(entry)
    return leaves


def _root(leaves: Sequence[bytes]) -> bytes:
    tree = Tree()
    for each in leaves:
        tree.add(each)
    return tree.root()


def _where(leaves: Sequence[bytes], index: bytes, signed: Checkpoint) -> str:
    """The first entry that is not as signed, where leaves.bin is and can tell."""
    kept = [index[at : at + 32] for at in range(0, 32 * signed.size, 32)]
    if _root(kept) != signed.root:
        return "log.jsonl and leaves.bin both differ from what was signed; no entry can be trusted"
    first = next((n for n, (one, other) in enumerate(zip(leaves, kept, strict=False)) if one != other), len(leaves))
    return f"log.jsonl: entry {first} was altered, moved or removed"


def _check_earlier(leaves: Sequence[bytes], earlier: Sequence[tuple[Checkpoint, str]]) -> None:
    """Find the log again as each earlier checkpoint saw it."""
    tree = Tree()
    for seen, where in sorted(earlier, key=lambda pair: pair[0].size):
        if seen.size > len(leaves):
            raise Altered(f"{where} saw {seen.size} entries, the log now holds {len(leaves)}: an older copy")
        for each in leaves[tree.size : seen.size]:
            tree.add(each)
        if tree.root() != seen.root:
            raise Altered(f"the first {seen.size} entries are not those that {where} saw")


def _witness(witness: Key, notes: Sequence[tuple[Path, str]], log_key: Key) -> str:
    """The newest checkpoint that the witness signed."""
    signed = [
        (open_checkpoint(note, log_key, str(path)).size, at)
        for path, note in notes
        if (at := cosigned_at(note, witness, str(path)))
    ]
    if not signed:
        raise Altered(f"no checkpoint is cosigned by {witness.name}")
    size, at = max(signed)
    return f"{witness.name} cosigned the first {size} entries at {at:%Y-%m-%d %H:%M:%S} UTC."


def _note(path: Path) -> str:
    """The checkpoint in an anchor: the file itself, or what a tlog-proof ends with."""
    text = _text(path)
    return text.partition("\n\n")[2] if text.startswith("c2sp.org/tlog-proof@v1\n") else text


def _given(text: str) -> str:
    return text if "+" in text and not Path(text).exists() else _text(Path(text))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Altered(f"{path} is missing or cannot be read ({error.strerror})") from None


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise Altered(f"{path} is not text, so it was altered") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, say what was found, and give the exit code."""
    parser = argparse.ArgumentParser(description="Check a copy of a caretrace audit log.")
    parser.add_argument("audit_dir", type=Path)
    parser.add_argument("--key", help="the log's public key as you had it before: its line, or a file of it")
    parser.add_argument("--anchor", type=Path, action="append", default=[], help="a checkpoint kept elsewhere")
    parser.add_argument("--witness", action="append", default=[], help="public key of a witness: its line or a file")
    given = parser.parse_args(arguments)
    try:
        said = check(given.audit_dir, given.key, given.anchor, given.witness)
    except Altered as error:
        sys.stdout.write(f"ALTERED: {error}\n")
        return 4
    except NoLog as error:
        sys.stdout.write(f"NOT CHECKED: {error}\n")
        return 1
    sys.stdout.write("\n".join(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
