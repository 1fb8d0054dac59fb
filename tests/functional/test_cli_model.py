"""`caretrace model`: show, diff, import, export, export-records and train, as a user starts them."""

import io
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from caretrace.cli import main
from linkage.default import default_model
from linkage.model_file import load

SAVED = Path(__file__).parent.parent / "unit" / "linkage" / "splink_models"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path) -> Done:
    """A command in this process: starting another takes longer than what is tested."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        code = main([str(each) for each in arguments])
    return Done(code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command line takes signals over, and a test must give them back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, caretrace: Any) -> Path:
    """A model that Splink 4.0.17 saved, as one of ours, by a command as a user starts it."""
    out = tmp_path_factory.mktemp("models") / "imported.json"
    done = caretrace("model", "import", SAVED / "splink4.json", "--out", out, "--register-people", "1500")
    assert done.returncode == 0, done.stderr
    assert f"model {load(out).model_id}: {out}" in done.stdout
    assert "note: the prior is Splink's in a register of 1500 people" in done.stdout
    return out


def test_show_prints_every_level_and_where_a_model_comes_from(imported: Path, run_folder: Path) -> None:
    shown = run("model", "show", "default")
    assert shown.returncode == 0, shown.stderr
    for weights in default_model().comparisons:
        assert f"{weights.comparison.name} (about {weights.comparison.role})" in shown.stdout
    assert "exact" in shown.stdout and "+7.16" in shown.stdout
    shown = run("model", "show", imported)
    assert "source: splink4.json" in shown.stdout
    assert "odd: gender: all but forbidden is a link at different" in shown.stdout
    shown = run("model", "show", run_folder)
    expected = next(line for line in shown.stdout.splitlines() if line.startswith("  expected: "))
    assert "precision (interval_95 (" in expected
    assert not set("{}[]'") & set(expected)
    assert f"model {load(run_folder / 'model.json').model_id}" in shown.stdout
    assert "data fingerprint: " in shown.stdout
    as_json = run("model", "show", run_folder, "--json")
    assert as_json.stdout.encode() == (run_folder / "model.json").read_bytes()


def test_diff_says_what_moved_in_bits(imported: Path, run_folder: Path) -> None:
    assert "weigh every pair alike" in run("model", "diff", imported, imported).stdout
    moved = run("model", "diff", "default", run_folder)
    assert moved.returncode == 0, moved.stderr
    assert "link band: - to " in moved.stdout
    lines = run("model", "diff", "default", imported).stdout.splitlines()
    assert "given name, exact: +7.163 to - bits" in lines


def test_an_imported_model_links(imported: Path, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run("link", people / "clients", people / "register.csv", "--out", out, "--model", imported)
    assert done.returncode == 0, done.stderr
    used, given = load(out / "model.json"), load(imported)
    assert used.comparisons == given.comparisons
    assert used.bands is not None
    counts = json.loads((out / "manifest.json").read_text("utf-8"))["counts"]
    assert counts["linked"] > 100


def test_import_asks_about_gaps_and_unknown_columns(tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    gaps = run("model", "import", SAVED / "splink3.json", "--out", out)
    assert (gaps.returncode, out.exists()) == (1, False)
    assert "splink3.json: 2 values are missing" in gaps.stderr
    assert "Splink would put 0.00992126" in gaps.stderr
    taken = run("model", "import", SAVED / "splink3.json", "--out", out, "--accept-defaults")
    assert taken.returncode == 0, taken.stderr
    facts = json.loads((SAVED / "splink4.json").read_text("utf-8").replace("surname", "apellido"))
    other = tmp_path / "other.json"
    other.write_text(json.dumps(facts), encoding="utf-8")
    unknown = run("model", "import", other, "--out", out)
    assert unknown.returncode == 1
    assert "comparison 2 ('apellido'), level 1" in unknown.stderr
    assert "--column apellido=FIELD" in unknown.stderr
    said = run("model", "import", other, "--out", out, "--column", "apellido=family")
    assert said.returncode == 0, said.stderr
    assert run("model", "import", other, "--out", out, "--column", "apellido").returncode == 2


@pytest.mark.parametrize(
    "condition", ["read_csv('/etc/passwd') IS NULL", "(SELECT true)", "true; DROP TABLE link", "getenv('HOME') = 'x'"]
)
def test_a_hostile_file_is_refused_by_every_command(imported: Path, tmp_path: Path, condition: str) -> None:
    ours = json.loads(imported.read_text("utf-8"))
    ours["comparisons"][0]["levels"][0]["condition"] = condition
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(ours), encoding="utf-8")
    for command in (("show", bad), ("diff", "default", bad), ("export", bad, "--out", tmp_path / "x.json")):
        refused = run("model", *command)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"{bad}: comparison 1 ('first name'), level 1" in refused.stderr
    theirs = json.loads((SAVED / "splink4.json").read_text("utf-8"))
    theirs["comparisons"][0]["comparison_levels"][1]["sql_condition"] = condition
    bad.write_text(json.dumps(theirs), encoding="utf-8")
    refused = run("model", "import", bad, "--out", tmp_path / "x.json")
    assert refused.returncode == 1
    assert "comparison 1 ('first_name'), level 2" in refused.stderr
    assert not (tmp_path / "x.json").exists()


def test_export_writes_the_settings_and_what_is_lost_beside_them(run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "splink.json"
    done = run("model", "export", run_folder, "--to", "splink4", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "note: households: " in done.stdout
    assert json.loads(out.read_text("utf-8"))["bayes_factor_column_prefix"] == "bf_"
    beside = json.loads((tmp_path / "splink.caretrace.json").read_text("utf-8"))
    assert beside["model_id"] == load(run_folder / "model.json").model_id
    asked = run("model", "export", "default", "--out", out)
    assert asked.returncode == 1
    assert "give --register-people N" in asked.stderr
    again = run("model", "import", out, "--out", out)
    assert again.returncode == 1
    assert "is the file that is read" in again.stderr


def test_records_are_written_as_the_exported_model_wants_them(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "records"
    done = run("model", "export-records", people / "clients", people / "register.csv", "--out", out)
    assert done.returncode == 0, done.stderr
    tables = {side: pq.read_table(out / f"{side}.parquet") for side in ("clients", "register")}
    assert {side: table.num_rows for side, table in tables.items()} == {"clients": 150, "register": 1500}
    assert tables["clients"].column_names == tables["register"].column_names
    for table in tables.values():
        ids = table.column("unique_id").to_pylist()
        assert len(set(ids)) == len(ids)
        assert ids == sorted(ids)
    assert tables["register"].column("tf_given").null_count < 100
    assert tables["clients"].column("tf_given").null_count == 150
    if sys.platform != "win32":
        assert (out / "clients.parquet").stat().st_mode & 0o077 == 0
    assert "remove them when you have done" in done.stdout


def test_train_keeps_the_model_and_nothing_else(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    done = run("model", "train", people / "clients", people / "register.csv", "--out", out, "--as-at", "2026-11-22")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]
    model = load(out)
    assert model.bands is not None
    expected = model.provenance["expected"]
    assert expected["clients"] == 150
    assert 0.99 <= expected["precision by own probabilities"] <= 1
    assert {"data fingerprint", "versions"} <= model.provenance.keys()
