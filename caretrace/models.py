"""Models as a user handles them: opened by name, shown, compared, brought from and taken to Splink.

Begin with `opened`. What a model is stands in `linkage.model`, its file in `linkage.model_file`, Splink's in
`linkage.splink`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import pipeline, run_folder, working_store
from caretrace.files import replaced, replaced_private
from caretrace.run_settings import RunSettings
from caretrace.version import __version__
from governance import at_rest
from schemas.errors import InputError, SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    from connectors import Source
    from linkage.model import ComparisonWeights, Model
    from linkage.model_diff import Moved
    from linkage.splink.exports import Target

DEFAULT = "default"
"""The name of the model that ships."""
_PEOPLE = "register people"
"""Where a trained model's provenance says how many people the register had."""


def opened(name: Path) -> Model:
    """The model of a file, of a run folder, or the one that ships where the name is `default` and no such file is."""
    from linkage.default import default_model
    from linkage.model_file import load

    if str(name) == DEFAULT and not name.exists():
        return default_model()
    if name.is_dir():
        return load(at_rest.readable(run_folder.open(name).path / "model.json"))
    return load(name)


def save(model: Model, path: Path) -> None:
    """Write the model to `path`, whole or not at all."""
    from linkage.model_file import dumps

    _write(path, dumps(model))


def _write(path: Path, text: str) -> None:
    with replaced(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


# ------------------------------------------------------------------------------------------------------ shown, compared


def to_text(model: Model) -> str:
    """A model as tables: m, u and h of every level, and what it weighs."""
    from linkage.model_file import findings

    bands = "left to the run"
    if model.bands is not None:
        bands = f"link from {model.bands.link_at:.6g}, review from {model.bands.review_at:.6g}"
    lines = [
        f"model {model.model_id}",
        f"in the register: {model.in_register:.2%} of clients; other members of a household: {model.household:.3g}",
        f"how freely given and family names combine: {model.names_together:.3g}",
        f"bands: {bands}",
    ]
    for weights in model.comparisons:
        lines += ["", *_table(weights)]
    for system in model.systems:
        lines += [
            "",
            f"clients of {system.source}: {'own error rates' if system.comparisons else 'weighed as all others'}",
        ]
        for weights in system.comparisons:
            lines += ["", *_table(weights)]
    odd = findings(model)
    lines += ["", *(f"odd: {each}" for each in odd)] if odd else []
    # A file from elsewhere may hold what a terminal would obey.
    provenance = ("".join(c if c.isprintable() else "?" for c in line) for line in _provenance(model.provenance))
    return "\n".join([*lines, "", "provenance", *provenance])


def _table(weights: ComparisonWeights) -> list[str]:
    from linkage.model_diff import against_kin
    from linkage.model_file import bits

    rows: list[tuple[str, ...]] = [("level", "m", "u", "h", "bits", "against a relative", "")]
    for asked, own in zip(weights.comparison.levels, weights.levels, strict=True):
        least = f"u at least {asked.at_least}" if asked.at_least else ""
        marks = [f"u: {asked.frequency}" if asked.frequency else least, asked.stance or ""]
        figures = (*(f"{p:.6g}" for p in (own.m, own.u, own.h)), f"{bits(own):+.2f}", f"{against_kin(own):+.2f}")
        rows.append((own.level, *figures, ", ".join(mark for mark in marks if mark)))
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    about = f" (about {weights.comparison.role})" if weights.comparison.role else ""
    return [
        f"{weights.comparison.name}{about}",
        *(f"  {row[0]:{widths[0]}}  {_right(row, widths)}  {row[6]}".rstrip() for row in rows),
    ]


def _right(row: tuple[str, ...], widths: Sequence[int]) -> str:
    return "  ".join(f"{row[n]:>{widths[n]}}" for n in range(1, 6))


def _plain(value: Any) -> str:
    """A value within a value, in brackets: no braces and quotes of Python."""
    if isinstance(value, dict):
        return f"({', '.join(f'{name} {_plain(each)}' for name, each in value.items())})"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_plain, value))})"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _provenance(facts: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, value in sorted(facts.items()):
        if value in ([], {}, None):
            continue
        if isinstance(value, list | tuple):
            lines += [f"  {key}:", *(f"    - {each}" for each in value)]
        elif isinstance(value, dict):
            lines.append(f"  {key}: {', '.join(f'{name} {_plain(each)}' for name, each in value.items())}")
        else:
            lines.append(f"  {key}: {value}")
    return lines


def moved_text(moved: Sequence[Moved]) -> str:
    """What two models do not have in common, one line each."""
    if not moved:
        return "the two models weigh every pair alike"

    def shown(value: float | None, unit: str) -> str:
        return "-" if value is None else f"{value:+.3f}" if unit == "bits" else f"{value:.6g}"

    lines = []
    for each in moved:
        if each.before is None and each.after is None:
            lines.append(each.place)
            continue
        change = "" if each.before is None or each.after is None else f" ({each.after - each.before:+.3g})"
        pair = f"{shown(each.before, each.unit)} to {shown(each.after, each.unit)}"
        lines.append(f"{each.place}: {pair} {each.unit}{change}")
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------------- Splink's


def imported(
    path: Path, *, names: Mapping[str, str], accept_defaults: bool, people: int | None, frequencies: bool
) -> tuple[Model, tuple[str, ...]]:
    """The model of a Splink settings file, and what is not as that file says; see `linkage.splink.imports`."""
    from linkage.model_file import from_facts, load_json
    from linkage.splink.imports import import_settings

    try:
        made = import_settings(
            load_json(path), names=names, accept_defaults=accept_defaults, people=people, frequencies=frequencies
        )
        # What is written must be what can be read.
        from_facts(made.model.to_json())
    except SettingsError as error:
        raise SettingsError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    source = {
        "source": path.name,
        "source sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "versions": {"caretrace": __version__},
    }
    return replace(made.model, provenance={**made.model.provenance, **source}), made.notes


def exported(
    name: Path, out: Path, *, to: Target, people: int | None, frequencies: bool
) -> tuple[Path, tuple[str, ...]]:
    """Write the settings to `out` and what Splink has no place for beside it; gives that path and what is lost."""
    from linkage.splink.exports import export_settings

    model = opened(name)
    made = export_settings(model, to=to, people=people or _people(name, model), frequencies=frequencies)
    beside = out.with_name(f"{out.stem}.caretrace.json")
    _write(beside, json.dumps(made.beside, indent=1, ensure_ascii=False, default=str) + "\n")
    _write(out, json.dumps(made.settings, indent=1, ensure_ascii=False) + "\n")
    return beside, made.notes


def _people(name: Path, model: Model) -> int:
    """How many people the register had that the model was made with, or used on."""
    people = model.provenance.get(_PEOPLE)
    if name.is_dir():
        people = run_folder.open(name).manifest.get("linkage", {}).get("register_people")
    if isinstance(people, int) and people > 0:
        return people
    raise SettingsError(
        "the model does not say how many people its register had, and Splink's prior depends on it; give"
        " --register-people N"
    )


def export_records(
    out: Path,
    clients: Source,
    register: Sequence[Source],
    settings: RunSettings,
    *,
    frequencies: bool,
    progress: Progress = SILENT,
) -> dict[str, int]:
    """Write clients.parquet and register.parquet into the folder `out`, cleaned, as an exported model wants them.

    They hold names, dates of birth, addresses and NHS numbers, and are their owner's alone. Gives the rows of each.
    """
    from caretrace.parquet import write_parquet
    from linkage.clean import clean
    from linkage.frequencies import count_frequencies
    from linkage.splink.records import SIDES, records_sql

    if out.exists() and not out.is_dir():
        raise InputError("is a file; give --out a folder", path=out)
    out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, int] = {}
    with (
        tempfile.TemporaryDirectory(prefix="caretrace-") as work,
        working_store.opened(Path(work), settings) as connection,
    ):
        pipeline.read(connection, {"clients": (clients,), "register": tuple(register)}, settings, progress)
        with progress.stage("Writing the records", len(SIDES)) as advance:
            clean(connection, SIDES)
            counted = count_frequencies(connection)
            for side in SIDES:
                with replaced_private(out / f"{side}.parquet") as draft:
                    write_parquet(connection, records_sql(side, counted if frequencies else None), draft)
                ((rows[side],),) = connection.execute(f"SELECT count(*) FROM {side}_record").fetchall()
                advance(1)
    return rows


# ------------------------------------------------------------------------------------------------------------- trained


def trained(
    clients: Source, register: Sequence[Source], settings: RunSettings, *, progress: Progress = SILENT
) -> Model:
    """The model that a linkage of these lists trains, with what it expects of itself; nothing else is kept."""
    from linkage.model_file import load

    with tempfile.TemporaryDirectory(prefix="caretrace-") as folder:
        run = pipeline.run(Path(folder) / "run", clients, register, settings, progress=progress)
        model = load(at_rest.readable(run.path / "model.json"))
        expected = _expected(run.path / "links.parquet")
    return replace(model, provenance={**model.provenance, "expected": expected})


def _expected(links: Path) -> dict[str, float]:
    """How right the links are by their own probabilities."""
    import duckdb

    with duckdb.connect(config=at_rest.spilling(links.parent)) as connection:
        ((linked, right, clients),) = connection.execute(
            "SELECT count(*) FILTER (decision = 'link'),"
            " coalesce(sum(CAST(probability AS DECIMAL(10, 9))) FILTER (decision = 'link'), 0), count(*)"
            " FROM read_parquet(?)",
            [str(at_rest.readable(links))],
        ).fetchall()
    precision = round(float(right) / linked, 6) if linked else 0.0
    return {"clients": clients, "links": linked, "precision by own probabilities": precision}
