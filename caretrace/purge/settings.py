"""How long things are kept: [retention] in caretrace.toml.

No published source that we found says how long a council keeps any of this, so every number is our own [assumed]: what
your retention schedule and agreements say goes before it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from caretrace.project import Project
from schemas.errors import SettingsError

Days = Annotated[int, Field(ge=1)] | Literal["never"]
"""Days after which a thing goes; "never" keeps it."""

Years = Annotated[int, Field(ge=1)] | Literal["never"]
"""Years after which a thing goes."""

FEWEST_RUNS = 3
"""Runs that are kept whatever is asked for: the newest, and two to compare it with."""


class Retention(BaseModel):
    """The periods, in days but for `history`. All are [assumed]."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    runs: Days = 100
    """A run folder; what held when stays in the warehouse."""
    runs_at_least: Annotated[int, Field(ge=FEWEST_RUNS)] = 14
    """The newest so many run folders stay, however old."""
    deliveries: Days = 100
    """A delivery in an inbox, after the run that read it: a quarter, and some days."""
    written: Days = 100
    """A file that was written for another system (trace requests, load-back, submissions)."""
    traces: Days = 800
    """What was asked of a tracing service; its answers stay, since links rest on them."""
    releases: Annotated[int, Field(ge=0)] | Literal["never"] = 0
    """Our encrypted copy of what was released, after the end of its retention in the agreement. Proofs stay."""
    set_aside: Days = 400
    """What the warehouse knows of records that could not be used (file, line, rule; no value)."""
    history: Years = 8
    """In years: what held before and ended, records that are gone among it, in the state and in warehouse/history."""


def read(given: Mapping[str, Any]) -> Retention:
    """The periods that the table [retention] gives; SettingsError names every key at fault."""
    try:
        return Retention.model_validate(dict(given))
    except ValidationError as error:
        keys = "; ".join(f"{found['loc'][0]}: {_said(found)}" for found in error.errors() if found["loc"])
        raise SettingsError(f"[retention] in caretrace.toml: {keys}") from None


def load(project: Project) -> Retention:
    """The periods of a project; a project without settings has our own."""
    try:
        content = tomllib.loads(project.settings.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Retention()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{project.settings}: cannot be read as TOML ({type(error).__name__})") from None
    return read(content.get("retention", {}))


def _said(found: Any) -> str:
    if found["type"] == "extra_forbidden":
        return f"there is no such key; it is one of {', '.join(Retention.model_fields)}"
    unit = "years" if found["loc"][:1] == ("history",) else "days"
    return f'give whole {unit}, 1 or more, or "never"'
