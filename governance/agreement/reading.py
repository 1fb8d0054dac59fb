"""An agreement from its file: read whole, every fault named at once, with the signatures beside it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from governance.agreement.model import Agreement
from governance.agreement.part import NAME
from governance.agreement.signing import Signature, signatures
from governance.agreement.templates import BLANK
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


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
        faults = "; ".join(map(_sentence, error.errors()))
        raise SettingsError(f"{path}: {faults}") from None


def load(path: Path) -> Signed:
    """Read an agreement and the signatures beside it; SettingsError names the file and every field at fault."""
    data = read(path)
    agreement = parse(path, data)
    held, faults = signatures(agreement, path, data)
    return Signed(agreement, path, sha256(data).hexdigest(), held, faults)


def _sentence(found: ErrorDetails) -> str:
    field = ".".join(str(part + 1) if isinstance(part, int) else part for part in found["loc"])
    return f"{field or 'the agreement'}: {_words(found)}"


def _words(found: ErrorDetails) -> str:
    """What is wrong, without the patterns that pydantic would show an officer."""
    if found["input"] == BLANK:
        return f"still says '{BLANK}'"
    if found["type"] == "string_pattern_mismatch":
        pattern = found.get("ctx", {}).get("pattern", "")
        if choices := re.fullmatch(r"\^\(([a-z|]+)\)\$", pattern):
            return f"has to be one of {', '.join(choices[1].split('|'))}"
        if pattern == NAME:
            return "has to be of letters, digits and . _ / - only, a letter or digit first"
    return found["msg"].removeprefix("Value error, ")
