"""Whether what is written at a place is encrypted: the nearest caretrace.toml above it says so.

The place decides, and not the command that writes there, so that no command can forget it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import SettingsError

_SETTINGS = "caretrace.toml"


@dataclass(frozen=True)
class Rule:
    """What a project wants of its files."""

    encrypt: bool = False
    work: Path | None = None
    """Where plain text may stand while a command runs; None is memory, where the system offers it as a folder."""
    project: Path | None = None


def rule_for(path: Path) -> Rule:
    """The rule of whatever stands at `path`, a file or folder that need not exist.

    SettingsError where the settings above it cannot be read: what they would say is not known then.
    """
    place = path.resolve()
    for folder in (place, *place.parents):
        settings = folder / _SETTINGS
        if settings.is_file():
            return _read(settings)
    return Rule()


def of(said: Mapping[str, Any], project: Path) -> Rule:
    """The rule that a table [at_rest] gives; ValueError, in words for the user, for one that says something else."""
    if unknown := sorted(set(said) - {"encrypt", "work"}):
        raise ValueError(f"{unknown[0]}: there is no such key; it has encrypt and work")
    encrypt, work = said.get("encrypt", False), said.get("work")
    if not isinstance(encrypt, bool):
        raise ValueError("encrypt is true or false")
    if work is not None and not isinstance(work, str):
        raise ValueError("work is the path of a folder")
    place = project / work if work is not None else None
    if place is not None and place.resolve().is_relative_to(project.resolve()):
        raise ValueError("work lies in the project, where no plain text may stand; give it a place elsewhere")
    return Rule(encrypt, place, project)


def _read(settings: Path) -> Rule:
    try:
        said = tomllib.loads(settings.read_text(encoding="utf-8-sig")).get("at_rest", {})
        if not isinstance(said, dict):
            raise ValueError("is no table of settings")
        return of(said, settings.parent)
    except OSError as error:
        raise SettingsError(f"{settings}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SettingsError(f"{settings}: is not valid TOML, so whether to encrypt is not known") from None
    except ValueError as error:
        raise SettingsError(f"{settings}: at_rest, {error}") from None
