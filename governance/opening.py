"""The recipient's side of a release: decrypt it, and make sure that it is what was sent.

Needs the release folder and the recipient's own key, and neither the sender's project nor its keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from governance import encryption
from governance.files import owner_only, sha256_of
from schemas.errors import InputError, IntegrityFailure


def open_release(folder: Path, identity: Path, to: Path) -> tuple[str, ...]:
    """Decrypt every data file of a release into the new folder `to`; gives their names.

    IntegrityFailure where a file is missing, altered, or not what the manifest says; nothing is left at `to` then.
    """
    listed = _manifest(folder)["data"]
    if to.exists():
        raise InputError("exists already; choose a new folder", path=to)
    missing = [name for name in listed if not (folder / name).is_file()]
    if missing:
        raise IntegrityFailure(f"{folder}: the release lacks {', '.join(missing)}")
    to.mkdir(parents=True, mode=0o700)
    made: list[Path] = []
    try:
        for name, facts in listed.items():
            if sha256_of(folder / name) != facts["sha256"]:
                raise IntegrityFailure(f"{folder / name}: not the file that was sent")
            made.append(to / name.removesuffix(encryption.ENDING))
            with made[-1].open("xb") as file:
                encryption.read(folder / name, identity, file)
            owner_only(made[-1])
    except BaseException:
        # Whatever ended it: plain text that nobody vouches for must not stay.
        for path in made:
            path.unlink(missing_ok=True)
        to.rmdir()
        raise
    return tuple(path.name for path in made)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"no release here: {error.strerror}", path=path) from None
    except ValueError:
        raise IntegrityFailure(f"{path}: altered or cut short") from None
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
        raise InputError("the manifest is not that of an encrypted release", path=path)
    names = found["data"]
    # A name from outside must stay a name: nothing is written elsewhere.
    if any(Path(name).name != name or not name.endswith(encryption.ENDING) for name in names):
        raise IntegrityFailure(f"{path}: names a file that no release holds")
    return found
