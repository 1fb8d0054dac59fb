"""A run folder appears whole or not at all, and is taken for finished only when it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from caretrace import run_folder
from schemas.errors import Busy, InputError, IntegrityFailure


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make(out: Path) -> run_folder.Run:
    with run_folder.drafting(out) as draft:
        (draft.work / "store.duckdb").write_bytes(b"working")
        (draft.path / "linked").mkdir()
        (draft.path / "links.parquet").write_bytes(b"links")
        (draft.path / "linked" / "person.parquet").write_bytes(b"person")
        return run_folder.finish(draft, {"run_id": "r1"})


def test_a_finished_run_holds_its_files_and_nothing_else_is_left_beside_it(tmp_path: Path) -> None:
    run = make(tmp_path / "runs" / "one")
    assert sorted(run.manifest["outputs"]) == ["linked/person.parquet", "links.parquet"]
    assert names(run.path) == ["linked", "links.parquet", "manifest.json"]
    assert names(tmp_path / "runs") == ["one"]
    assert run_folder.open(run.path, verify=True).manifest["run_id"] == "r1"


@pytest.mark.skipif(os.name == "nt", reason="Windows rights come from the folder")
def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    run = make(tmp_path / "one")
    modes = {path.stat().st_mode & 0o077 for path in (run.path, *(p for p in run.path.rglob("*") if p.is_file()))}
    assert modes == {0}


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_folder.drafting(tmp_path / "one") as draft:
        (draft.path / "links.parquet").write_bytes(b"half")
        raise ZeroDivisionError
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["folder", "file", "broken link"])
def test_an_out_that_exists_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "one"
    if kind == "folder":
        out.mkdir()
    elif kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="exists already"), run_folder.drafting(out):
        pass
    assert names(tmp_path) == ["one"]


def test_an_out_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"), run_folder.drafting(tmp_path / "file" / "run"):
        pass


def test_an_out_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "one"
    with pytest.raises(InputError, match="exists already"), run_folder.drafting(out) as draft:
        (draft.path / "links.parquet").write_bytes(b"links")
        out.mkdir()
        run_folder.finish(draft, {})
    assert names(tmp_path) == ["one"]
    assert names(out) == []


def test_what_a_dead_run_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path: Path) -> None:
    out = tmp_path / "one"
    stale = tmp_path / ".one.partial-1-abc"
    stale.mkdir()
    (stale / "links.parquet").write_bytes(b"half")
    other = tmp_path / ".two.partial-1-abc"
    other.mkdir()
    with run_folder.drafting(out) as draft:
        assert not stale.exists()
        with pytest.raises(Busy, match="another run is writing it"), run_folder.drafting(out):
            pass
        assert draft.path.exists()
    assert other.exists()


def test_the_lock_holds_between_processes_and_dies_with_them(tmp_path: Path) -> None:
    out = tmp_path / "one"
    code = (
        "import sys; from pathlib import Path; from caretrace import run_folder\n"
        f"with run_folder.drafting(Path({str(out)!r})):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(Busy), run_folder.drafting(out):
            pass
    finally:
        holder.kill()
        holder.communicate()
    make(out)
    assert names(tmp_path) == ["one"]


def spoil(run: Path, how: str) -> None:
    manifest = run / "manifest.json"
    data = json.loads(manifest.read_text("utf-8"))
    if how == "no manifest":
        manifest.unlink()
    elif how == "cut manifest":
        manifest.write_text(manifest.read_text("utf-8")[:-20], "utf-8")
    elif how == "a list":
        manifest.write_text("[]", "utf-8")
    elif how == "other format":
        manifest.write_text(json.dumps({**data, "format": 2}), "utf-8")
    elif how == "no outputs":
        manifest.write_text(json.dumps({**data, "outputs": {}}), "utf-8")
    elif how == "a file missing":
        (run / "linked" / "person.parquet").unlink()
    elif how == "no folder":
        run.rename(run.with_name("elsewhere"))


@pytest.mark.parametrize(
    "how", ["no manifest", "cut manifest", "a list", "other format", "no outputs", "a file missing", "no folder"]
)
def test_a_folder_that_is_not_whole_is_never_taken_for_a_run(tmp_path: Path, how: str) -> None:
    run = make(tmp_path / "one")
    spoil(run.path, how)
    with pytest.raises(InputError):
        run_folder.open(run.path)


def test_a_sealed_draft_is_no_run_until_it_has_its_name(tmp_path: Path) -> None:
    with run_folder.drafting(tmp_path / "one") as draft:
        (draft.path / "links.parquet").write_bytes(b"links")
        run_folder.seal(draft, {"run_id": "r1"})
        with pytest.raises(InputError, match="before it had its name"):
            run_folder.open(draft.path)
        run_folder.place(draft)
    assert run_folder.open(tmp_path / "one", verify=True).manifest["run_id"] == "r1"


def test_an_altered_file_is_found_when_asked(tmp_path: Path) -> None:
    run = make(tmp_path / "one")
    (run.path / "links.parquet").write_bytes(b"linkz")
    run_folder.open(run.path)
    with pytest.raises(IntegrityFailure, match=r"links\.parquet"):
        run_folder.open(run.path, verify=True)
