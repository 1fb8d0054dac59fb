"""The whole job on people who do not exist: link, release, log, as a project folder that can be looked at afterwards.

In: nothing. Out: `DIR/` with runs/, releases/ and audit/, and a short account of it. Begin with `make`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from caretrace import pipeline
from caretrace.project import MARKER, Project
from caretrace.run_folder import Run
from caretrace.run_settings import RunSettings
from governance import at_rest
from schemas.errors import InputError
from schemas.progress import SILENT, Progress

MARK = "# Written by `caretrace demo`, which removes and makes again what is beside it.\n"
"""What caretrace.toml says in a demo's folder, and nowhere else."""
_MADE = ("extracts", "agreement", "runs", "releases", "audit")
SEED = 2014
CLIENTS, PATIENTS = 20_000, 300_000
_SMALL = (500, 20_000)
"""Enough people for practices of both suppliers."""
_OPTED_OUT_ONE_IN = 20
"""Share of people left off the list of allowed numbers [assumed: the national share is of this size]."""


@dataclass(frozen=True)
class Made:
    """What the demo made."""

    project: Project
    keys_dir: Path
    runs: tuple[Run, ...]
    plan: str
    release: Path
    people_released: int
    log: str


def make(
    folder: Path,
    *,
    keys_dir: Path,
    maker: str,
    now: datetime,
    committed: Path | None = None,
    size: tuple[int, int] = (CLIENTS, PATIENTS),
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Made:
    """Make the project in `folder`, which must be new, empty or a demo of before, with keys of its own in `keys_dir`.

    `committed` is the folder of small extracts that comes with the source code; without it they are generated.
    """
    _clear(folder, keys_dir)
    project = Project(folder)
    settings = RunSettings(as_at=now.date(), seed=SEED, threads=threads)
    runs = [
        *_run_small(project, committed or _generate_small(folder / "extracts", progress), settings, progress),
        _run_synthetic(project, size, settings, progress),
    ]
    with progress.stage("Releasing under the example agreement"):
        return _release(project, runs, keys_dir, maker, now)


def keys_folder(folder: Path, keys: Path) -> Path:
    """Where a demo in `folder` keeps its keys: beside the user's own, never among them, one folder for each demo."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return keys.parent / "demo-keys" / name


def committed_fixtures() -> Path | None:
    """The committed extracts where this runs from a clone, None where it was installed as a wheel."""
    folder = Path(__file__).parent.parent / "fixtures"
    return folder if (folder / "truth").is_dir() else None


def _clear(folder: Path, keys_dir: Path) -> None:
    marker = folder / MARKER
    ours = marker.is_file() and marker.read_text("utf-8") == MARK
    if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("is no demo of before, and is not empty; give --out another folder", path=folder)
    folder.mkdir(parents=True, exist_ok=True)
    # The mark comes first: a demo that is killed half-way can be made again.
    marker.write_text(MARK, encoding="utf-8", newline="\n")
    for name in _MADE:
        if (folder / name).exists():
            shutil.rmtree(folder / name)
    if keys_dir.exists():
        shutil.rmtree(keys_dir)


def _generate_small(folder: Path, progress: Progress) -> Path:
    """The same shape as the committed extracts, for who has no clone."""
    from caretrace import synthetic

    with progress.stage("Making small extracts in four formats"):
        people = synthetic.make(*_SMALL, seed=SEED)
        for form in ("carefirst", "swift", "mixed"):
            synthetic.write(people, folder, form)
        (folder / "truth").mkdir()
        for council in ("carefirst", "swift"):
            shutil.copyfile(folder / "truth.csv", folder / "truth" / f"{council}.csv")
    return folder


def _run_small(project: Project, extracts: Path, settings: RunSettings, progress: Progress) -> Iterator[Run]:
    """Each council's list against the practices of both suppliers."""
    from connectors import Source

    for council in ("carefirst", "swift"):
        yield pipeline.run(
            project.runs / f"fixtures-{council}",
            Source(extracts / council, format=council),
            [Source(extracts / "emis", format="emis"), Source(extracts / "systmone", format="systmone")],
            settings,
            progress=progress,
            truth=extracts / "truth" / f"{council}.csv",
        )


def _run_synthetic(project: Project, size: tuple[int, int], settings: RunSettings, progress: Progress) -> Run:
    from caretrace import synthetic
    from connectors import Source

    folder = project.root / "extracts" / "synthetic"
    with progress.stage(f"Making {size[0]:,} clients and {size[1]:,} patients"):
        synthetic.write(synthetic.make(*size, seed=SEED), folder)
    return pipeline.run(
        project.runs / "synthetic",
        Source(folder / "clients", format="standard"),
        [Source(folder / "register.parquet", format="standard")],
        settings,
        progress=progress,
        truth=folder / "truth.parquet",
    )


def _release(project: Project, runs: list[Run], keys_dir: Path, maker: str, now: datetime) -> Made:
    from governance import agreement, audit, example, keys, release

    run = runs[-1]
    today = now.date()
    path = example.write(project.root / "agreement", _allowed_numbers(run.path), today=today)
    keys.create(keys_dir, project=project.root)
    planned = release.plan(run.path, agreement.load(path), project=project.root, keys_dir=keys_dir, today=today)
    release.check(planned)
    project.releases.mkdir(exist_ok=True)
    made = release.make(planned, project.releases / "first", example.APPROVER, maker=maker, now=now)
    log = audit.verify(project.audit, keys_dir=keys_dir).to_text()
    return Made(project, keys_dir, tuple(runs), planned.to_text(), made.folder, made.people, log)


def _allowed_numbers(run: Path) -> list[str]:
    """Everybody's number but one in twenty, as if those had opted out."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    numbers = pq.read_table(at_rest.readable(run / "linked" / "person_key.parquet"), columns=["nhs_number"]).column(0)
    distinct = sorted(pc.unique(numbers.drop_null()).to_pylist())
    return [number for place, number in enumerate(distinct) if place % _OPTED_OUT_ONE_IN]


def account(made: Made, *, today: date) -> str:
    """What a person reads when the demo is done."""
    lines = [f"demo project: {made.project.root} ({today.isoformat()}; nobody in it lives)"]
    for run in made.runs:
        lines += ["", *_run_lines(run)]
    lines += [
        "",
        *(f"  {line}" for line in made.plan.splitlines()),
        "",
        f"released: {made.people_released:,} people to {made.release}",
        f"log: {made.log}",
        f"keys: {made.keys_dir} (set CARETRACE_KEYS to it to try `caretrace audit verify --project` yourself)",
    ]
    return "\n".join(lines)


def _run_lines(run: Run) -> Iterator[str]:
    counts: Mapping[str, Any] = run.manifest["counts"]
    people = counts["clients"]["people"]
    yield f"{run.path.name}: {people:,} clients against {counts['register']['people']:,} register records"
    yield f"  linked {counts['linked']:,} ({counts['linked'] / people:.1%}), review {counts['review']:,}," + (
        f" no match {counts['none']:,}"
    )
    found = run.manifest.get("evaluation")
    if found and found["links"] and found["findable"]:
        yield (
            f"  against the truth: precision {found['right'] / found['links']:.4f},"
            f" recall {found['found'] / found['findable']:.4f}"
        )
    yield f"  report: {run.path / 'report.html'}"
