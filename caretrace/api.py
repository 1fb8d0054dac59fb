"""The same job as `caretrace link`, for Python: files or tables in, tables out."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from caretrace import pipeline, review, run_folder, working_store
from caretrace.population import read as read_population
from caretrace.run_settings import RunSettings, TestNumbers
from governance import at_rest
from linkage import Settings as LinkageSettings
from schemas.errors import SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from connectors import Source
    from linkage import Engine, Model

Feed = Literal["full", "delta"]
EngineName = Literal["duckdb", "spark", "recordlinkage"]


@dataclass(frozen=True)
class LinkResult:
    """What a linkage found.

    `links` is the LINK table, one row for every client record; `review` those rows of it that a person must decide;
    `set_aside` every input record that was not used, with its side. All three are Arrow tables. `summary` holds counts
    that add up: for each side records = used + rejected + excluded; clients' people = linked + review + none.
    """

    links: pa.Table
    review: pa.Table
    set_aside: pa.Table
    summary: dict[str, Any]
    run_id: str
    run_dir: Path | None = None

    def to_pandas(self) -> pd.DataFrame:
        """The links as a data frame; `levels` holds a list of (comparison, level) in each row."""
        frame: pd.DataFrame = self.links.to_pandas()
        return frame


def link(
    clients: Path | str | object,
    register: Path | str | object | Sequence[Path | str | object],
    *,
    seed: int = 0,
    out: Path | str | None = None,
    clients_as: str | None = None,
    register_as: str | Sequence[str | None] | None = None,
    clients_map: Path | str | None = None,
    register_map: Path | str | Sequence[Path | str | None] | None = None,
    register_feed: Feed | Sequence[Feed | None] | None = None,
    threads: int | None = None,
    as_at: date | None = None,
    test_numbers: TestNumbers = "count",
    verdicts: Path | str | object | None = None,
    model: Model | Path | str | None = None,
    population: Path | str | None = None,
    settings: LinkageSettings | None = None,
    engine: Engine | EngineName | None = None,
    progress: Progress = SILENT,
) -> LinkResult:
    """Find the register person behind each client record.

    `clients` and `register` are paths of files or folders, or tables that Arrow can take (pandas, polars, pyarrow); a
    list of them makes one register. `clients_as` and `register_as` name formats (the latter one for all, or one for
    each); None finds it from the content. `clients_map` and `register_map` are TOML files of a council's own titles or
    of a register's settings; `register_feed` says "full" or "delta" of deliveries whose files do not. `as_at` is the
    day that two-digit years are judged by, today where None. `verdicts` are earlier decisions to honour: a project's
    decisions.jsonl, or a table of the columns of VERDICT. `model` is a model or the JSON file of one; None trains one
    on the data at hand. `population` is a CSV of how common names are elsewhere (docs/linkage.md), for a small
    register. `settings` holds the targets. `engine` is "duckdb", "spark" or "recordlinkage", or an
    engine with settings of its own; all give the same links. With `out` a run folder is written as by the command line.

    Raises InputError or SettingsError where the input or a setting is wrong, Busy where another run writes `out`.
    """
    run_settings = RunSettings(
        as_at=as_at or date.today(),  # noqa: DTZ011 - the user's own calendar day
        seed=seed,
        test_numbers=test_numbers,
        linkage=settings or LinkageSettings(),
        model=_model(model),
        population=read_population(Path(population)) if population else None,
        threads=threads,
    )
    chosen = named_engine(engine) if isinstance(engine, str) else engine
    client_source = as_source(clients, format=clients_as, mapping=clients_map, name="clients")
    register_sources = _register_sources(register, register_as, register_map, register_feed)
    decided = _verdicts(verdicts)
    with contextlib.ExitStack() as stack:
        if out is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caretrace-")))
            draft = None
        else:
            draft = stack.enter_context(run_folder.drafting(Path(out)))
            folder = draft.work
        with working_store.opened(folder, run_settings) as connection:
            linked = pipeline.link(
                connection,
                client_source,
                register_sources,
                run_settings,
                verdicts=decided,
                engine=chosen,
                progress=progress,
            )
            if draft:
                manifest = pipeline.write(connection, linked, draft.path, run_settings, progress=progress)
            result = _result(connection, linked)
        if not draft:
            return result
        run = run_folder.finish(draft, manifest)
        return replace(result, summary=dict(run.manifest["counts"]), run_dir=run.path)


def named_engine(name: str) -> Engine | None:
    """The engine called `name`, with its usual settings; None is DuckDB. SettingsError where there is none such."""
    if name == "spark":
        from linkage.spark import SparkEngine

        return SparkEngine()
    if name == "recordlinkage":
        from linkage.reference import RecordLinkageEngine

        return RecordLinkageEngine()
    if name != "duckdb":
        raise SettingsError(f"there is no engine '{name}'; choose duckdb, spark or recordlinkage")
    return None


def _model(given: Model | Path | str | None) -> Model | None:
    from linkage.model_file import load

    return load(at_rest.readable(Path(given))) if isinstance(given, Path | str) else given


def as_source(
    data: Path | str | object, *, format: str | None = None, mapping: Path | str | None = None, name: str | None = None
) -> Source:
    """A path or table as the connectors take it; `name` is what a table is called in reports."""
    from connectors import Source

    is_path = isinstance(data, Path | str)
    return Source(
        data=Path(data) if isinstance(data, Path | str) else data,
        format=format,
        mapping=Path(mapping) if mapping is not None else None,
        name=None if is_path else name,
    )


def _verdicts(given: Path | str | object | None) -> review.Verdicts | None:
    if given is None:
        return None
    return review.given(Path(given)) if isinstance(given, Path | str) else review.from_table(given)


def _register_sources(
    register: object,
    formats: str | Sequence[str | None] | None,
    mappings: Path | str | Sequence[Path | str | None] | None = None,
    feeds: Feed | Sequence[Feed | None] | None = None,
) -> list[Source]:
    parts = list(register) if isinstance(register, list | tuple) else [register]
    if not parts:
        raise SettingsError("the register is empty; give at least one file, folder or table")
    named, files, feed = (
        _each(given, len(parts), option)
        for given, option in ((formats, "register_as"), (mappings, "register_map"), (feeds, "register_feed"))
    )
    several = len(parts) > 1
    return [
        replace(
            as_source(
                part,
                format=named[place],
                mapping=files[place],
                name=f"register {place + 1}" if several else "register",
            ),
            feed=feed[place],
        )
        for place, part in enumerate(parts)
    ]


def _each(given: Any, parts: int, option: str) -> list[Any]:
    """What an option says of each part of the register."""
    if given is None or isinstance(given, str | Path):
        return [given] * parts
    if len(given) != parts:
        raise SettingsError(f"{option} names {len(given)} for {parts} parts of the register")
    return list(given)


def _result(connection: duckdb.DuckDBPyConnection, linked: pipeline.Linked) -> LinkResult:
    from caretrace.outputs import both_sides
    from schemas import LINK, SET_ASIDE

    def table(query: str) -> pa.Table:
        return connection.sql(query).to_arrow_table()

    columns, key = (", ".join(f'"{name}"' for name in names) for names in (LINK.names, LINK.key))
    links = f"SELECT {columns} FROM link"
    return LinkResult(
        links=table(f"{links} ORDER BY {key}"),
        review=table(f"{links} WHERE decision = 'review' ORDER BY {key}"),
        set_aside=table(both_sides(SET_ASIDE.name, SET_ASIDE.names)),
        summary=dict(linked.counts),
        run_id=linked.run_id,
    )
