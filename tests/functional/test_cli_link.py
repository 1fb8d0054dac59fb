"""`caretrace link`: what it writes, that the counts add up, and that threads change no byte."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer

import caretrace as api
from caretrace.cli.given import by_register
from schemas import LINK

EXPECTED = {
    "links.parquet",
    "candidates.parquet",
    "model.json",
    "load_back.csv",
    "conflicts.csv",
    "review.csv",
    "set_aside.csv",
    "quality.csv",
    "report.html",
    "manifest.json",
    "linked",
    "to_fix",
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def manifest(run: Path) -> dict[str, Any]:
    return json.loads((run / "manifest.json").read_text("utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_run_folder_holds_everything(run_folder: Path) -> None:
    assert {path.name for path in run_folder.iterdir()} == EXPECTED
    run = api.open_run(run_folder, verify=True)
    assert set(run.manifest["outputs"]) == {
        path.relative_to(run_folder).as_posix()
        for path in run_folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def test_there_is_one_link_for_every_client(run_folder: Path) -> None:
    links = pq.read_table(run_folder / "links.parquet")
    LINK.check(links)
    assert len(set(links.column("record_id").to_pylist())) == links.num_rows == 150
    found = links.to_pylist()
    assert all((row["nhs_number"] is not None) == (row["decision"] == "link") for row in found)
    assert all((row["reason"] is None) == (row["decision"] == "link") for row in found)
    assert {row["decided_at"] for row in found} == {None}
    assert {row["run_id"] for row in found} == {manifest(run_folder)["run_id"]}


def test_the_counts_add_up(run_folder: Path) -> None:
    facts = manifest(run_folder)
    counts = facts["counts"]
    for side, name in (("clients", "client"), ("register", "register")):
        total = counts[side]
        assert total["records"] == total["used"] + total["rejected"] + total["excluded"]
        files = [each for each in facts["inputs"] if each["side"] == name]
        assert total["records"] == sum(each["records"] for each in files)
    assert counts["clients"]["people"] == counts["linked"] + counts["review"] + counts["none"] == 150
    assert counts["linked"] == sum(counts["linked_by"].values())
    assert counts["review"] == len(rows(run_folder / "review.csv"))
    assert counts["load_back"] == len(rows(run_folder / "load_back.csv"))
    set_aside = sum(counts[side]["rejected"] + counts[side]["excluded"] for side in ("clients", "register"))
    assert set_aside == len(rows(run_folder / "set_aside.csv"))


def test_a_client_is_loaded_back_or_a_conflict_or_neither(run_folder: Path) -> None:
    loaded = {row["client_id"] for row in rows(run_folder / "load_back.csv")}
    conflicts = {row["client_id"] for row in rows(run_folder / "conflicts.csv")}
    assert loaded
    assert not loaded & conflicts
    statuses = {row["nhs_number_status"] for row in rows(run_folder / "load_back.csv")}
    assert statuses <= {"02", "03"}


def test_most_links_are_right(run_folder: Path, people: Path) -> None:
    truth = {row["record_id"]: row for row in rows(people / "truth.csv")}
    links = [row for row in pq.read_table(run_folder / "links.parquet").to_pylist() if row["decision"] == "link"]
    right = [row for row in links if row["nhs_number"] == truth[row["record_id"]]["nhs_number"]]
    assert len(right) >= 0.98 * len(links)
    assert len(links) > 100


def digests(run: Path) -> dict[str, str]:
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in run.rglob("*")
        if path.suffix in (".parquet", ".csv")
    }


def test_one_thread_or_two_give_the_same_bytes(tmp_path: Path, started: Any, people: Path, run_folder: Path) -> None:
    arguments = ("--as-at", "2026-11-22", "--threads", "1", "--memory", "500MB", "--out", tmp_path / "run")
    done = started("link", people / "clients", people / "register.csv", *arguments)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "run") == digests(run_folder)
    assert manifest(tmp_path / "run")["run_id"] == manifest(run_folder)["run_id"]


def test_an_out_that_exists_is_refused(caretrace: Any, people: Path, run_folder: Path) -> None:
    before = digests(run_folder)
    done = caretrace("link", people / "clients.csv", people / "register.csv", "--out", run_folder)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "exists already" in done.stderr
    assert digests(run_folder) == before


@pytest.mark.parametrize(
    ("given", "formats"),
    [
        ([], [None, None]),
        (["emis"], ["emis", "emis"]),
        (["b=systmone", "emis"], ["emis", "systmone"]),
        (["a=emis"], ["emis", None]),
    ],
)
def test_register_formats_by_path(given: list[str], formats: list[str | None]) -> None:
    assert by_register([Path("a"), Path("b")], given, "--register-as") == formats


def test_a_format_for_no_register_is_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter, match="none of the registers"):
        by_register([Path("a")], ["c=emis"], "--register-as")


def test_numbers_of_the_test_range_can_be_refused(tmp_path: Path, caretrace: Any, people: Path) -> None:
    run, register = tmp_path / "run", people / "register.csv"
    formats = ("--register-as", "emis", "--register-as", f"{register}=standard")
    done = caretrace("link", people / "clients.csv", register, "--out", run, "--test-numbers", "refuse", *formats)
    assert (done.returncode, done.stderr) == (0, "")
    assert "linked: " in done.stdout
    assert f"report: {run / 'report.html'}" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    counts = manifest(run)["counts"]
    assert counts["clients"]["with_nhs_number"] == counts["register"]["with_nhs_number"] == 0
    assert counts["clients"]["test_numbers"] > 0
    assert any(row["issue"] == "a test number, refused by setting" for row in rows(run / "quality.csv"))


def test_the_same_from_python_with_tables_of_any_kind(people: Path, run_folder: Path) -> None:
    half = in_memory(people / "register.csv", "pyarrow")
    register = [half.slice(0, 700), half.slice(700).to_pandas()]
    result = api.link(in_memory(people / "clients.csv", "polars"), register)
    columns = ["record_id", "decision", "nhs_number"]
    of_command = pq.read_table(run_folder / "links.parquet", columns=columns)
    assert result.links.select(columns).to_pylist() == of_command.to_pylist()
    assert result.review.num_rows == result.summary["review"]
    assert len(result.to_pandas()) == result.links.num_rows == 150


def in_memory(path: Path, kind: str) -> Any:
    if kind == "polars":
        import polars as pl

        return pl.read_csv(path, infer_schema=False)
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file))
    options = arrow_csv.ConvertOptions(column_types={name: pa.string() for name in names})
    return arrow_csv.read_csv(path, convert_options=options)


def test_from_python_into_a_run_folder(tmp_path: Path, people: Path) -> None:
    result = api.link(people / "clients.csv", people / "register.csv", out=tmp_path / "run", seed=5)
    assert result.run_dir == tmp_path / "run"
    assert api.open_run(tmp_path / "run", verify=True).manifest["seed"] == 5
    with pytest.raises(api.InputError, match="exists already"):
        api.link(people / "clients.csv", people / "register.csv", out=tmp_path / "run")
