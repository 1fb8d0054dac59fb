"""A plain copy of what a project keeps encrypted: one file, or a folder, which is a run folder again if it was one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from caretrace import run_folder
from governance import at_rest
from schemas.errors import InputError


def write(path: Path, out: Path) -> Path:
    """Write it to `out`, whole or not at all.

    InputError where `path` is not encrypted, or `out` exists or lies in a project whose files are to be encrypted.
    """
    if at_rest.rule_for(out).encrypt:
        raise InputError("lies in a project whose files are encrypted; give --out a place outside it", path=out)
    if path.is_dir():
        return _folder(path, out)
    if not path.is_file():
        raise InputError("there is no such file or folder", path=path)
    plain = at_rest.readable(path)
    if plain == path:
        raise InputError("is not encrypted", path=path)
    if out.exists():
        raise InputError("exists already; give --out a new name", path=out)
    with at_rest.written(out, out.with_name(f".{out.name}.partial")) as draft:
        shutil.copyfile(plain, draft)
    return out


def _folder(path: Path, out: Path) -> Path:
    if not (path / at_rest.KEY_FILE).is_file():
        raise InputError("is not an encrypted run folder; give one that holds at-rest.key, or a file", path=path)
    with run_folder.drafting(out) as draft:
        at_rest.plain_folder(path, draft.path)
        manifest = draft.path / run_folder.MANIFEST
        if not manifest.is_file():
            return run_folder.finish_plain(draft)
        said = json.loads(manifest.read_text("utf-8"))
        manifest.unlink()
        own = {name: value for name, value in said.items() if name not in ("format", "outputs")}
        return run_folder.finish(draft, own).path
