"""The order of a run, one function a stage: read, link, key, write, report.

In: two sides as `connectors.Source`. Out: a run folder, or the open working store for `caretrace.api`.
Begin with `run`; `link` is the same without a folder.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import manifest as manifests
from caretrace import population, run_folder
from caretrace.identity import identify, mapping_hashes, organisations
from caretrace.linked import make_person_keys, write_linked
from caretrace.outputs import write_outputs
from caretrace.run_settings import RunSettings
from caretrace.working_store import frugally, opened, share_out
from schemas.beside import beside
from schemas.errors import InputError
from schemas.nhs_number import Range
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

    from caretrace.review import Verdicts
    from connectors import ReadReport, Source
    from linkage import Engine, LinkFacts


@dataclass(frozen=True)
class Linked:
    """What is known once `link` and `person_key` stand in the store."""

    run_id: str
    reports: Mapping[str, ReadReport]
    mappings: Mapping[str, str]
    """SHA-256 of each mapping file used, by its name."""
    facts: LinkFacts
    counts: dict[str, Any]
    timings: dict[str, float]
    verdicts: Verdicts | None = None
    """The earlier decisions that were honoured."""


def link(
    connection: duckdb.DuckDBPyConnection,
    clients: Source,
    register: Sequence[Source],
    settings: RunSettings,
    *,
    verdicts: Verdicts | None = None,
    engine: Engine | None = None,
    progress: Progress = SILENT,
) -> Linked:
    """Read both sides into the store and link them; afterwards it holds `link` and `person_key`."""
    import linkage

    clock = Clock()
    with clock("read"):
        reports = read(connection, {"clients": (clients,), "register": tuple(register)}, settings, progress)
    share_out(connection)
    mappings = mapping_hashes((clients, *register))
    given = [[source.feed, *source.without] for source in (clients, *register)]
    run_id = identify(reports, organisations(connection), mappings, settings, verdicts, given)
    if verdicts is not None:
        _load_verdicts(connection, verdicts)
    if settings.population is not None:
        population.load(connection, settings.population)

    def linked() -> LinkFacts:
        return linkage.link(
            connection,
            seed=settings.seed,
            run_id=run_id,
            model=settings.model,
            settings=settings.linkage,
            engine=engine,
            progress=progress,
            # What is decided then is as long as the clients' list, however long the register is.
            scored=lambda: share_out(connection, "clients"),
        )

    with clock("link"):
        facts = frugally(connection, settings.memory, linked)
    share_out(connection)
    with clock("person_keys"):
        make_person_keys(connection, run_id=run_id)
    return Linked(run_id, reports, mappings, facts, count(connection, reports), clock.seconds, verdicts)


def run(
    out: Path,
    clients: Source,
    register: Sequence[Source],
    settings: RunSettings,
    *,
    verdicts: Verdicts | None = None,
    engine: Engine | None = None,
    progress: Progress = SILENT,
    truth: Path | None = None,
    previous: Path | None = None,
    encrypt: bool = False,
) -> run_folder.Run:
    """Link and write the run folder `out`, all of it or nothing.

    `truth` is the file that says who is who in synthetic data: with it the report holds precision and recall.
    `previous` is an earlier run folder, against which the report holds the gaps and contradictions. `encrypt` encrypts
    it wherever it lies; in a project that wants it, it is anyway.
    """
    from caretrace.quality.trend import load

    earlier = load(previous) if previous is not None else None
    with run_folder.drafting(out, encrypt=encrypt) as draft:
        with opened(draft.work, settings) as connection:
            linked = link(connection, clients, register, settings, verdicts=verdicts, engine=engine, progress=progress)
            before = set(draft.path.iterdir())

            def written() -> dict[str, Any]:
                for each in set(draft.path.iterdir()) - before:
                    shutil.rmtree(each) if each.is_dir() else each.unlink()
                return write(connection, linked, draft.path, settings, progress=progress, truth=truth, earlier=earlier)

            manifest = frugally(connection, settings.memory, written)
        return run_folder.finish(draft, manifest)


def read(
    connection: duckdb.DuckDBPyConnection,
    sides: Mapping[str, Sequence[Source]],
    settings: RunSettings,
    progress: Progress = SILENT,
) -> dict[str, ReadReport]:
    """Fill the standard tables of each side, and take test numbers out where the settings refuse them."""
    import connectors

    reports = {}
    for side, sources in sides.items():
        reports[side] = connectors.read(connection, sources, side=side, as_at=settings.as_at, progress=progress)
        require_people(reports[side], sources)
        if settings.test_numbers == "refuse":
            refuse_test_numbers(connection, side)
    return reports


def require_people(report: ReadReport, sources: Sequence[Source], *, see: str = "`caretrace check` says why") -> None:
    """Raise InputError where nobody is left to link, or to check; `see` is where it says why."""
    if not report.tables["PERSON"]:
        raise InputError(
            f"{', '.join(source.label for source in sources)}: no record of it can be used as a person"
            f" ({report.records} read, {report.rejected} rejected, {report.excluded} excluded); {see}"
        )


def _load_verdicts(connection: duckdb.DuckDBPyConnection, verdicts: Verdicts) -> None:
    from caretrace.review.verdicts import load

    load(connection, verdicts)


def count(connection: duckdb.DuckDBPyConnection, reports: Mapping[str, ReadReport]) -> dict[str, Any]:
    """The run in numbers: for each side records = used + rejected + excluded; people = linked + review + none."""
    by_method = connection.execute(
        "SELECT method, count(*) FROM link WHERE decision = 'link' GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    decided = dict(connection.execute("SELECT decision, count(*) FROM link GROUP BY 1").fetchall())
    sides = {}
    for side, report in reports.items():
        ((people, numbers),) = connection.execute(f"SELECT count(*), count(nhs_number) FROM {side}.person").fetchall()
        sides[side] = {
            "records": report.records,
            "used": report.used,
            "rejected": report.rejected,
            "excluded": report.excluded,
            "people": people,
            "with_nhs_number": numbers,
            "test_numbers": sum(file.test_numbers for file in report.files),
        }
    return {
        **sides,
        "linked": decided.get("link", 0),
        "linked_by": dict(by_method),
        "review": decided.get("review", 0),
        "none": decided.get("none", 0),
    }


def write(
    connection: duckdb.DuckDBPyConnection,
    linked: Linked,
    folder: Path,
    settings: RunSettings,
    *,
    progress: Progress = SILENT,
    truth: Path | None = None,
    earlier: tuple[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Write every file of the run but the manifest into `folder`, and give the manifest."""
    from caretrace import quality, report
    from caretrace.evaluate.measure import against_truth, expected
    from caretrace.quality import to_fix
    from caretrace.quality.trend import compare
    from linkage.model_file import dumps

    def looked_at(second: duckdb.DuckDBPyConnection) -> quality.Quality:
        return quality.facts(second, as_at=settings.as_at, linked=True, lists=folder / to_fix.FOLDER)

    clock = Clock(dict(linked.timings))
    for name in ("linked", to_fix.FOLDER):
        (folder / name).mkdir()
    with clock("outputs"), beside(connection, looked_at) as looking:
        write_linked(connection, folder / "linked", progress=progress)
        rows = write_outputs(connection, folder, settings.outputs)
        awaited = expected(connection)
        model = manifests.with_fingerprint(linked, awaited)
        (folder / "model.json").write_text(dumps(model), encoding="utf-8", newline="\n")
        with progress.stage("Looking for gaps and contradictions"):
            facts = looking.result()
    with progress.stage("Writing the report"), clock("report"):
        trend = compare(facts, *earlier) if earlier else None
        manifest = manifests.manifest(linked, settings, clock.seconds)
        manifest["quality"] = facts.summary()
        manifest["linkage"]["expected"] = awaited
        manifest["counts"] |= {name: rows[name] for name in ("load_back", "conflicts", "set_aside")}
        if truth is not None:
            bands = {"link_at": linked.facts.bands.link_at, "review_at": linked.facts.bands.review_at}
            manifest["evaluation"] = against_truth(connection, truth, bands=bands, as_at=settings.as_at)
        report.write(folder / "report.html", manifest=manifest, connection=connection, quality=facts, trend=trend)
    return {**manifest, "timings": clock.seconds}


def refuse_test_numbers(connection: duckdb.DuckDBPyConnection, side: str) -> None:
    """Make numbers of the test range null, each noted in data_quality."""
    test = f"nhs_number IS NOT NULL AND nhs_number_range(nhs_number) = '{Range.TEST.value}'"
    connection.execute(f"""INSERT INTO {side}.data_quality BY NAME
        SELECT source, source_org, record_id, 'nhs_number' AS "column", 'a test number, refused by setting' AS issue,
            false AS used, extract_file, extract_record, extract_line FROM {side}.person WHERE {test}""")
    connection.execute(f"UPDATE {side}.person SET nhs_number = NULL WHERE {test}")


@dataclass
class Clock:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block under the name `stage`; of several blocks the sum."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0) + time.perf_counter() - started, 3)
