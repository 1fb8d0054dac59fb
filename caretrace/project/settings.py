"""What caretrace.toml says, read whole and checked before anything else happens.

In: a project's caretrace.toml. Out: `Settings`, or one sentence that names the file, the key and what to do. Numbers
marked [assumed] are our own choices, not rules of a published source; each is a key of the file.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from caretrace.outputs import OutputSettings
from caretrace.population import read as read_population
from caretrace.project.inboxes import not_apart
from caretrace.project.place import Project
from caretrace.run_settings import MOST_THREADS, RunSettings
from caretrace.working_store import DEFAULT_MEMORY
from connectors import FORMATS
from connectors.files.opening import Opening as PackedOpening
from governance import at_rest
from linkage import Settings as LinkageSettings
from linkage import Target
from schemas.errors import SettingsError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Share = Annotated[float, Field(ge=0, le=1)]


def _from_project(path: Path, info: ValidationInfo) -> Path:
    return Path(info.context["root"]) / path if info.context else path


Place = Annotated[Path, AfterValidator(_from_project)]
"""A path that is meant from the project folder, where it is not absolute."""


class _Part(BaseModel):
    """A part of the file; a key that is not known is an error, since a misspelt limit is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Hold(_Part):
    """What holds a delivery until a person has looked at it. All are our own choices [assumed]."""

    rejected: Share = 0.05
    """Share of its records that cannot be read, at most."""
    unusable: Share = 0.5
    """Share of the values of one column, such as dates of birth, that cannot be used, at most."""
    gone: Share = 0.2
    """Share of the source's people that one delivery may take away, at most."""
    fewest: Annotated[int, Field(ge=0)] | None = None
    """Records that it must hold, over all its files; if not given, 1 for a full one and none for changes."""
    broken_end: bool = True
    """Whether a file whose last record is broken, as where it was cut short, is held."""


class Opening(_Part):
    """How archives and encrypted files are opened; what is not said here the environment says, as for `link`."""

    times: Annotated[int, Field(ge=1, le=10_000)] | None = None
    passphrase_file: Place | None = None


class Source(_Part):
    """One system that delivers into an inbox."""

    name: Name
    """Its people are known by it: a source that is given another name is another source."""
    side: Literal["clients", "register"]
    folder: Place | None = None
    format: str | None = None
    mapping: Place | None = None
    feed: Literal["full", "delta", "auto"] = "auto"
    full_names: str | None = None
    """With `auto`: a pattern, such as *-full*; deliveries of such a name are full, all others changes."""
    without: tuple[str, ...] = ()
    ended: bool = False
    """Whether it delivers no more, and its records shall hold no longer."""
    opening: Opening = Opening()
    hold: Hold = Hold()

    @model_validator(mode="after")
    def _agrees(self) -> Source:
        if self.format is not None and self.format not in FORMATS:
            raise ValueError(f"the format {self.format!r} is not known; it is one of {', '.join(FORMATS)}")
        if self.full_names is not None and self.feed != "auto":
            raise ValueError('full_names goes with feed = "auto", for it tells full deliveries from the others')
        return self


class Match(_Part):
    """How clients are matched, as `caretrace link` has it."""

    wrong_links: Share = Target.wrong_links
    review_share: Share = Target.review
    numberless: Literal["auto", "link", "review"] = "auto"
    test_numbers: Literal["count", "refuse"] = "count"
    population: Place | None = None
    model: Place | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class Retrain(_Part):
    """When a run says that its model is old; it never trains one by itself [assumed]."""

    after_days: Annotated[int, Field(ge=1)] = 180
    growth: Annotated[float, Field(gt=0)] = 0.25
    """Share by which clients or register have grown or shrunk since."""


class LoadBack(_Part):
    """What load_back.csv holds, as `caretrace link` has it."""

    dead: Literal["mark", "leave-out"] = "mark"
    restricted: Literal["mark", "leave-out"] = "mark"
    trace_required: Literal["probabilistic", "always", "never"] = "probabilistic"


class Resources(_Part):
    """How much of the machine a run takes; never what comes out."""

    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)] | None = None
    memory: Annotated[str, StringConstraints(pattern=r"(?i)^([0-9]+ ?[MGT]i?B|[1-9][0-9]?%)$")] = DEFAULT_MEMORY
    quiet_seconds: Annotated[float, Field(ge=0, le=3600)] = 2
    """How long a file must not have changed before it is taken for whole [assumed]."""


class Outputs(_Part):
    """What a night writes."""

    tables: Literal["nightly", "weekly"] = "nightly"
    """When the linked tables are written whole; a database in [targets] has them every night."""


class Postgres(_Part):
    """A database that every run is loaded into; the password stands in the environment, ~/.pgpass or a service file."""

    connection: str
    """As libpq has it: postgresql://user@host/database, or service=NAME."""
    password_variable: str | None = None
    schema_: Annotated[str | None, Field(alias="schema")] = None
    analyst_schema: str | None = None
    loader: str | None = None
    analyst: str | None = None
    coarsen: dict[str, str] | None = None
    statement_seconds: int | None = None
    lock_seconds: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_password(cls, given: Any) -> Any:
        if isinstance(given, dict) and "password" in given:
            raise ValueError(
                "a password never stands in this file; name a variable that holds it (password_variable) or a service"
            )
        return given

    def names(self) -> dict[str, Any]:
        """What differs from the usual, under the names of `warehouse.publish.postgres.Settings`."""
        given = {"schema": self.schema_, "coarser": self.coarsen}
        plain = ("analyst_schema", "loader", "analyst", "statement_seconds", "lock_seconds")
        given |= {name: getattr(self, name) for name in plain}
        return {name: value for name, value in given.items() if value is not None}


class Targets(_Part):
    """Where runs go beside their own folders."""

    postgres: Postgres | None = None


class AtRest(_Part):
    """Whether files about people are encrypted where they stand, which `governance.at_rest` asks for each file."""

    encrypt: bool = False
    work: str | None = None
    """Where plain text may stand while a command works, if not in memory."""

    @model_validator(mode="after")
    def _agrees(self, info: ValidationInfo) -> AtRest:
        if info.context:
            at_rest.of(self.model_dump(), info.context["root"])
        return self


class Traces(_Part):
    """Answers of tracing services, which a run honours."""

    folder: Place | None = None
    """Where `caretrace trace read` keeps them, if not in the project's own folder of traces."""


class Agreements(_Part):
    """Data sharing agreements that a run watches."""

    files: tuple[Place, ...] = ()
    warn_days: Annotated[int, Field(ge=0)] = 30
    """A run says which of them end within so many days [assumed]."""


class Settings(_Part):
    """The whole file."""

    source: tuple[Source, ...] = ()
    match: Match = Match()
    retrain: Retrain = Retrain()
    load_back: LoadBack = LoadBack()
    resources: Resources = Resources()
    outputs: Outputs = Outputs()
    targets: Targets = Targets()
    at_rest: AtRest = AtRest()
    traces: Traces = Traces()
    agreements: Agreements = Agreements()
    retention: dict[str, Any] = {}
    """Read by `caretrace purge`."""
    schedule: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Source to the days after which a run says that a delivery is overdue."""

    @model_validator(mode="after")
    def _agrees(self) -> Settings:
        names = [source.name for source in self.source]
        for side in ("clients", "register"):
            if not any(source.side == side for source in self.source):
                raise ValueError(f'no [[source]] has side = "{side}"; a run needs clients and a register')
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two of [[source]] are called {twice[0]}; give each a name of its own")
        if unknown := sorted(set(self.schedule) - set(names)):
            raise ValueError(f"schedule: there is no source {unknown[0]}; it is one of {', '.join(names)}")
        return self

    def inbox(self, project: Project, source: Source) -> Path:
        """Where deliveries of `source` arrive."""
        return source.folder or project.inboxes / source.name

    def opening(self, source: Source, usual: PackedOpening) -> PackedOpening:
        """How packed files of `source` are opened: as it says, and as usual in all that it does not say."""
        said = {name: value for name, value in source.opening.model_dump().items() if value is not None}
        return replace(usual, **said)

    def for_pipeline(self, *, as_at: date) -> RunSettings:
        """As the stages of a run take it; SettingsError where a file it names is not there or not one."""
        from linkage.model_file import load as load_model

        match = self.match
        return RunSettings(
            as_at=as_at,
            seed=match.seed,
            test_numbers=match.test_numbers,
            linkage=LinkageSettings(Target(wrong_links=match.wrong_links, review=match.review_share), match.numberless),
            model=load_model(at_rest.readable(match.model)) if match.model else None,
            population=read_population(match.population) if match.population else None,
            outputs=OutputSettings(**self.load_back.model_dump()),
            threads=self.resources.threads,
            memory=self.resources.memory,
        )


def load(project: Project) -> Settings:
    """What the project's caretrace.toml says; SettingsError names the file and every key at fault."""
    path = project.settings
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file; `caretrace init` makes a project") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from None
    if not content.get("source"):
        raise SettingsError(f"{path}: no [[source]] says where deliveries come from; `caretrace init` shows how")
    try:
        found = Settings.model_validate(content, context={"root": project.root})
    except ValidationError as error:
        faults = "; ".join(_sentence(found["loc"], found["msg"], content) for found in error.errors())
        raise SettingsError(f"{path}: {faults}") from None
    if fault := not_apart({each.name: found.inbox(project, each) for each in found.source if not each.ended}):
        raise SettingsError(f"{path}: {fault}")
    return found


_KNOWN = {"Extra inputs are not permitted": "there is no such key; docs/nightly.md lists them"}


def _sentence(place: tuple[int | str, ...], message: str, content: dict[str, Any]) -> str:
    parts = list(place)
    if len(parts) > 1 and parts[0] == "source" and isinstance(parts[1], int):
        # A source is known by its name; where that is at fault, by its place in the file.
        name = content["source"][parts[1]].get("name") if isinstance(content["source"][parts[1]], dict) else None
        parts[:2] = [f"source {name if isinstance(name, str) else parts[1] + 1}"]
    key = ", ".join([str(parts[0]), f"key {'.'.join(map(str, parts[1:]))}"] if parts[1:] else map(str, parts))
    said = message.removeprefix("Value error, ")
    return f"{key}: {_KNOWN.get(said, said)}" if key else _KNOWN.get(said, said)
