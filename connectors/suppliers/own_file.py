"""The TOML file a council or a hospital gives beside its extract: a mapping, its habits or its list of codes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from schemas.errors import SettingsError


def read_toml(path: Path) -> dict[str, Any]:
    """What the file says; SettingsError where it is not there, or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: the mapping cannot be read; check the path") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not a text in UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not a TOML file ({error})") from error
