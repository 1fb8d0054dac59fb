"""What is done with keys after they were made: a list, a change, copies for custodians, the end of an old one.

Everything but the list stands in the log, by version and fingerprint; no secret does. The newest root key makes the
pseudonyms; rule R30 lets a changed key into no epoch that the old one has served.
"""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance import encryption
from governance.audit import log
from governance.files import owner_only
from governance.keys import at_rest, store
from governance.keys.keeper import BYTES, KEEPERS, VAULT, chosen, keeper
from governance.request import history
from schemas.errors import InputError, IntegrityFailure, SettingsError

ROTATED, ESCROWED, DESTROYING, DESTROYED = "KEY_ROTATED", "KEY_ESCROWED", "KEY_DESTROYING", "KEY_DESTROYED"
MOVED = "KEYS_MOVED"
COLUMNS = ("key", "version", "state", "since", "releases", "escrowed_to")
ROOT, FOR_FILES = "root", "at rest"
_ESCROW_FORMAT = "caretrace keys escrow 1"
LEAST_CUSTODIANS = 2


def listed(keys_dir: Path, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every version that there is or was of the root key, then of that for data at rest, oldest first.

    Its columns are COLUMNS, and nothing is secret.
    """
    here = store.versions(keys_dir)
    gone = {entry["body"]["key_version"] for entry in entries if entry["type"] == DESTROYED}
    since = {entry["body"]["key_version"]: entry["at"][:10] for entry in entries if entry["type"] == ROTATED}
    made = [past.key_version for past in history(entries).releases if past.state in ("released", "uncertain")]
    copies = [entry["body"] for entry in entries if entry["type"] == ESCROWED]
    rows = []
    for version in sorted({*here, *gone, *since, *made}):
        state = "in use" if here and version == here[-1] else "kept" if version in here else "missing"
        custodians = {each for copy in copies if version in copy["key_versions"] for each in copy["custodians"]}
        values = (
            ROOT,
            version,
            "destroyed" if state == "missing" and version in gone else state,
            since.get(version, ""),
            made.count(version),
            ", ".join(sorted(custodians)),
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows + _at_rest(keys_dir, entries)


def _at_rest(keys_dir: Path, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for version in (here := at_rest.versions(keys_dir)):
        made = [n for n, x in enumerate(entries) if x["type"] == at_rest.MADE and x["body"]["key_version"] == version]
        # A copy holds what there was when it was made.
        copies = [x["body"] for x in entries[made[-1] :] if x["type"] == ESCROWED] if made else []
        values = (
            FOR_FILES,
            version,
            "in use" if version == here[-1] else "kept",
            entries[made[-1]]["at"][:10] if made else "",
            "",
            ", ".join(sorted({each for copy in copies for each in copy["custodians"]})),
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def rotate(project: Path, keys_dir: Path, *, reason: str, maker: str, now: datetime) -> int:
    """Make a new root key, which all pseudonyms are made with from now on; gives its version.

    The old one is kept until it is destroyed. Refused where the log cannot say so: then nothing has changed.
    """
    held_keys = store.load(keys_dir, project=project)
    with log.opened(project / "audit", held_keys, now=now) as held:
        version = held_keys.version + 1
        body = {"key_version": version, "previous": held_keys.version, "reason": _said(reason), "maker": maker}
        store.write_root(keys_dir, version, secrets.token_bytes(BYTES))
        try:
            held.append([(ROTATED, body)], now=now)
        except BaseException:
            # Raised again as it came: a key that the log does not know must not be used.
            store.destroy_root(keys_dir, version)
            raise
    return version


def escrow(
    project: Path, keys_dir: Path, to: Path, public_keys: Sequence[str], *, maker: str, now: datetime
) -> tuple[str, ...]:
    """Write all keys to the file `to`, which each custodian can open alone with their age key; gives fingerprints.

    SettingsError for fewer than two custodians or a place inside the project, InputError where `to` exists.
    """
    custodians = tuple(dict.fromkeys(public_keys))
    if len(custodians) < LEAST_CUSTODIANS:
        raise SettingsError("escrow needs the age public keys of two custodians at least, in case one is lost")
    store.check_apart(to.absolute().parent, project)
    if to.exists():
        raise InputError("exists already; an escrow copy is never written over anything", path=to)
    keys = store.load(keys_dir, project=project)
    versions = store.versions(keys_dir)
    roots = {str(version): store.read_root(keys_dir, version).hex() for version in versions}
    held_at_rest = {str(each): at_rest.read(keys_dir, each).hex() for each in at_rest.versions(keys_dir)}
    body = {
        "format": _ESCROW_FORMAT,
        "roots": roots,
        "signing": keys.signing.private_bytes_raw().hex(),
        "at_rest": held_at_rest,
    }
    fingerprints = tuple(sorted(encryption.fingerprint(each) for each in custodians))
    with log.opened(project / "audit", keys, now=now) as held:
        try:
            encryption.write(to, lambda file: file.write(json.dumps(body).encode()), custodians)
            owner_only(to)
            about = {"key_versions": versions, "custodians": list(fingerprints), "sha256": _sha256(to), "maker": maker}
            held.append([(ESCROWED, about)], now=now)
        except OSError as error:
            raise InputError(f"the copy cannot be written ({error.strerror})", path=to) from None
        except BaseException:
            to.unlink(missing_ok=True)
            raise
    return fingerprints


def restore(project: Path, keys_dir: Path, copy: Path, identity: Path) -> tuple[int, ...]:
    """Put the keys of an escrow copy into a folder that holds none; gives their versions.

    SettingsError where there are keys or the identity is none of a custodian, IntegrityFailure where it was altered.
    """
    store.check_apart(keys_dir, project)
    plain: IO[bytes] = io.BytesIO()
    try:
        encryption.read(copy, identity, plain)
    except FileNotFoundError:
        raise InputError("there is no such escrow copy", path=copy) from None
    plain.seek(0)
    try:
        body = json.loads(plain.read())
        roots = {int(version): bytes.fromhex(text) for version, text in body["roots"].items()}
        signing = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(body["signing"]))
        # A copy of before there was one lacks it.
        held_at_rest = {int(version): bytes.fromhex(text) for version, text in body.get("at_rest", {}).items()}
        every = [*roots.values(), *held_at_rest.values()]
        whole = body["format"] == _ESCROW_FORMAT and roots and all(len(each) == BYTES for each in every)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise IntegrityFailure(f"{copy}: is no escrow copy of keys")
    store.put(keys_dir, signing, roots, held_at_rest)
    return tuple(sorted(roots))


def destroy(project: Path, keys_dir: Path, version: int, *, reason: str, maker: str, now: datetime) -> None:
    """Destroy an old root key, so that nobody here can make or check its pseudonyms again; cannot be undone.

    InputError for the key in use (rotate first) and where there is none of that version. Escrow copies are with their
    custodians, who have to destroy them too.
    """
    keys = store.load(keys_dir, project=project)
    if version == keys.version:
        raise InputError(f"version {version} is in use; run `caretrace keys rotate` before destroying it")
    if version not in store.versions(keys_dir):
        raise InputError(f"there is no root key of version {version} here; `caretrace keys list` lists them")
    body = {"key_version": version, "reason": _said(reason), "maker": maker}
    with log.opened(project / "audit", keys, now=now) as held:
        held.append([(DESTROYING, body)], now=now)
        try:
            store.destroy_root(keys_dir, version)
        except OSError as error:
            raise InputError(
                f"root key {version} could not be destroyed ({error.strerror}); run this again", path=keys_dir
            ) from None
        held.append([(DESTROYED, body)], now=now)


def move(project: Path, keys_dir: Path, to: str, *, maker: str, now: datetime) -> tuple[int, ...]:
    """Give all keys to another keeper (`keeper.KEEPERS`) and end them with the old one; gives their versions.

    They are read back from the new keeper before the folder names it, and destroyed with the old one after that, so a
    move that is interrupted leaves them twice and never lost. InputError where `to` keeps them already.
    """
    if to not in KEEPERS:
        raise SettingsError(f"keys are kept by {', '.join(KEEPERS)}")
    before = chosen(keys_dir)
    if before == to:
        raise InputError(f"the keys are with that keeper already ({to})", path=keys_dir)
    keys = store.load(keys_dir, project=project)
    old = keeper(keys_dir, before)
    held_keys = {name: old.read(name) for name in old.names()}
    with log.opened(project / "audit", keys, now=now) as held:
        _clear(keys_dir, to, held_keys)
        store.keep(keys_dir, to, held_keys)
        versions = tuple(store.versions(keys_dir))
        held.append([(MOVED, {"key_versions": list(versions), "from": before, "to": to, "maker": maker})], now=now)
        for name in held_keys:
            old.destroy(name)
    return versions


def _clear(keys_dir: Path, to: str, ours: Mapping[str, bytes]) -> None:
    """End what a move that was interrupted has left with the new keeper."""
    new = keeper(keys_dir, to)
    for name in new.names():
        # A path of Vault may be another project's, whose keys must not end with a slip of a variable.
        if to == VAULT and new.read(name) != ours.get(name):
            raise SettingsError("the new keeper holds other keys at that place; set CARETRACE_VAULT_PATH to another")
        new.destroy(name)


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _said(reason: str) -> str:
    said = " ".join(reason.split())
    if not said:
        raise InputError("a reason is needed")
    return said
