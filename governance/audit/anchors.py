"""Anchors: signed states of a log that lie elsewhere, so that a log put back or begun anew is found out.

    keys folder     the newest checkpoint of each log, with every place the log was ever seen in
    releases/*/     the proofs given with each release; they are moved and copied with the project
    audit/witnessed checkpoints that a second organisation cosigned (`witness`); its own copy lies with it
    anywhere else   a checkpoint or proof that another organisation kept

The releases are no anchor against somebody who puts back the whole project, and so alone never make a log `anchored`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from governance.audit.checkpoint import Checkpoint, Verifier, note_in
from governance.files import write_durably
from schemas.errors import InputError, IntegrityFailure

WITNESSED = "witnessed"


@dataclass(frozen=True)
class Anchor:
    """A signed checkpoint, and in words where it lies."""

    note: str
    where: str

    @property
    def origin(self) -> str:
        """The name of the log it says it is of."""
        return self.note.partition("\n")[0]


def given(path: Path) -> Anchor:
    """A checkpoint or tlog-proof that was kept elsewhere; InputError where the file is neither."""
    try:
        note = note_in(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        note = None
    if note is None:
        raise InputError("is no checkpoint and no proof of a log that can be read", path=path)
    return Anchor(note, str(path))


def of_releases(audit_dir: Path) -> list[Anchor]:
    """What the project's release folders hold, whoever signed it."""
    found = []
    for path in sorted((audit_dir.parent / "releases").glob("*/*")):
        if path.suffix != ".tlog-proof" and path.name != "checkpoint":
            continue
        try:
            text = path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            continue  # a release that is being made was renamed just now
        except OSError as error:
            raise IntegrityFailure(f"{path} cannot be read ({error.strerror}), so the log cannot be checked") from None
        # A note that cannot be found in it is kept as it is: without a log, even a damaged proof shows there was one.
        found.append(Anchor(note_in(text) or text, str(path.parent)))
    return found


def of_witnesses(audit_dir: Path) -> list[Anchor]:
    """The cosigned checkpoints kept beside the log; each must be of this log."""
    found = []
    for path in sorted((audit_dir / WITNESSED).glob("*.checkpoint")):
        try:
            found.append(Anchor(path.read_bytes().decode("utf-8", "replace"), str(path)))
        except OSError as error:
            raise IntegrityFailure(f"{path} cannot be read ({error.strerror}), so the log cannot be checked") from None
    return found


def signed_by(key: Verifier, anchors: list[Anchor]) -> list[Anchor]:
    """Those of our key, of whichever log; others' releases may lie there too.

    A damaged one that names this log, or no longer any, is an IntegrityFailure: it may have been ours.
    """
    ours = []
    for anchor in anchors:
        try:
            Checkpoint.open(anchor.note, Verifier(anchor.origin, key.public))
        except IntegrityFailure:
            if anchor.origin == key.name or note_in(anchor.note) is None:
                raise IntegrityFailure(f"{anchor.where}: the proof of this release was altered") from None
            continue
        ours.append(anchor)
    return ours


def keep(keys_dir: Path, audit_dir: Path, note: str) -> None:
    """Keep the newest checkpoint of this log in the keys folder, and this place beside all earlier ones.

    An earlier place is never forgotten: the project may have been copied, and then its log is still due there too.
    """
    (keys_dir / "anchors").mkdir(parents=True, exist_ok=True, mode=0o700)
    name = sha256(note.partition("\n")[0].encode()).hexdigest()[:16]
    path = keys_dir / "anchors" / f"{name}.json"
    places = _read(path)[0] if path.exists() else set()
    body = {"audit_folders": sorted(places | {str(audit_dir.resolve())}), "checkpoint": note}
    write_durably(path, json.dumps(body).encode())


def of_keys(keys_dir: Path, audit_dir: Path, origin: str) -> list[Anchor]:
    """What the keys folder holds of the log of this origin, and of any log that was ever in this place."""
    found = []
    for path in sorted((keys_dir / "anchors").glob("*.json")):
        places, note = _read(path)
        anchor = Anchor(note, f"the keys folder ({path.name})")
        if str(audit_dir.resolve()) in places or anchor.origin == origin:
            found.append(anchor)
    return found


def places(keys_dir: Path, origin: str) -> list[Path]:
    """Every audit folder that the log of this origin was ever seen in."""
    read = (_read(path) for path in sorted((keys_dir / "anchors").glob("*.json")))
    return sorted({Path(place) for seen, note in read if note.partition("\n")[0] == origin for place in seen})


def _read(path: Path) -> tuple[set[str], str]:
    try:
        kept = json.loads(path.read_text("utf-8"))
        # The first form held one place.
        places = kept["audit_folders"] if "audit_folders" in kept else [kept["audit_folder"]]
        return {str(place) for place in places}, str(kept["checkpoint"])
    except (OSError, ValueError, KeyError, TypeError):
        raise IntegrityFailure(f"{path}: the anchor cannot be read; it was altered") from None
