"""An agreement from its file: read whole, every fault named at once, with the signatures beside it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from governance.agreement.model import Agreement
from governance.agreement.signing import Signature, signatures
from schemas.errors import SettingsError


@dataclass(frozen=True)
class Signed:
    """An agreement with the file it came from, the SHA-256 of that file's exact bytes, and who signed those bytes."""

    agreement: Agreement
    path: Path
    sha256: str
    signatures: tuple[Signature, ...] = ()
    signature_faults: tuple[str, ...] = ()


def read(path: Path) -> bytes:
    """The bytes of an agreement's file; SettingsError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: the agreement cannot be read ({error.strerror})") from None


def parse(path: Path, data: bytes) -> Agreement:
    """The agreement in `data`; SettingsError names the file and every field at fault."""
    try:
        content = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: the agreement is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: the agreement is not valid TOML: {error}") from None
    if content.get("format") == 1:
        raise SettingsError(
            f"{path}: the agreement is of format 1, approved by name only; name each signatory with their key, set"
            " format = 2 and have it signed (`caretrace agreement sign`)"
        )
    try:
        return Agreement.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_sentence(found["loc"], found["msg"]) for found in error.errors())
        raise SettingsError(f"{path}: {faults}") from None


def load(path: Path) -> Signed:
    """Read an agreement and the signatures beside it; SettingsError names the file and every field at fault."""
    data = read(path)
    agreement = parse(path, data)
    held, faults = signatures(agreement, path, data)
    return Signed(agreement, path, sha256(data).hexdigest(), held, faults)


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    field = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
    return f"{field or 'the agreement'}: {message.removeprefix('Value error, ')}"
