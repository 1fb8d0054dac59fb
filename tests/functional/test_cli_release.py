"""From a run to a release and its log, as whole commands."""

import csv
import io
import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import serialization

from governance import example
from governance.agreement.example_keys import example_key


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, caretrace: Any, run_folder: Path) -> Path:
    """A project with keys elsewhere, an agreement, and one release made."""
    root = tmp_path_factory.mktemp("council")
    numbers = pq.read_table(run_folder / "linked" / "person_key.parquet").column("nhs_number").drop_null().to_pylist()
    example.write(root / "agreement", numbers, today=date.today())  # noqa: DTZ011 - as the command takes it
    made = caretrace("keys", "new", "--project", root)
    # The keys folder is the user's and not the project's: another module's tests may have made them.
    assert made.returncode == 0 or "holds keys already" in made.stderr
    return root


@pytest.fixture(scope="module")
def agreement(project: Path) -> Path:
    """The example agreement, made to fit 150 people: groups of one are allowed to be withheld."""
    path = project / "agreement" / "agreement.toml"
    text = path.read_text("utf-8")
    path.write_text(re.sub("max_withheld_share = .*", "max_withheld_share = 0.9", text), encoding="utf-8")
    example.sign(path, on=date.today())  # noqa: DTZ011 - as the command takes it
    return path


def test_keys_are_made_once_and_never_shown(caretrace: Any, project: Path, environment: dict[str, str]) -> None:
    again = caretrace("keys", "new", "--project", project)
    assert again.returncode == 1
    assert "holds keys already" in again.stderr
    folder = Path(environment["CARETRACE_KEYS"])
    secrets = [path.read_text("ascii").partition(":")[2].strip() for path in folder.glob("*.key")]
    assert secrets
    assert not any(secret in again.stdout + again.stderr for secret in secrets)


def test_a_refused_plan_is_shown_with_every_reason(
    tmp_path: Path, caretrace: Any, project: Path, agreement: Path, run_folder: Path
) -> None:
    text = agreement.read_text("utf-8").replace('dpia_reference = "DPIA-EXAMPLE-01"\n', "")
    (agreement.parent / "broken.toml").write_text(
        text.replace("k = 5", "k = 1").replace('cag_reference = "00/CAG/0000 (example)"\n', ""), encoding="utf-8"
    )
    done = caretrace("release", "plan", agreement.parent / "broken.toml", "--run", run_folder, "--project", project)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n  - ") >= 2
    assert not (project / "audit").exists()


def test_plan_make_verify_register(
    tmp_path: Path, caretrace: Any, project: Path, agreement: Path, run_folder: Path
) -> None:
    plan = caretrace("release", "plan", agreement, "--run", run_folder, "--project", project, "--json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)
    to = project / "releases" / "one"
    to.parent.mkdir()
    make = ("release", "make", agreement, "--run", run_folder, "--to", to, "--project", project)
    done = caretrace(*make, "--approved-by", "Another Person")
    assert done.returncode == 0, done.stderr
    assert to.is_dir()
    assert "release " in done.stdout
    verified = caretrace("audit", "verify", "--project", project, "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["anchored"] is True
    register = caretrace("audit", "register", "--project", project)
    (row,) = csv.DictReader(io.StringIO(register.stdout))
    assert (row["state"], row["approved_by"]) == ("released", "Another Person")


def test_an_erased_log_of_a_moved_project_is_found(tmp_path: Path, caretrace: Any, project: Path) -> None:
    copy = tmp_path / "moved"
    shutil.copytree(project, copy)
    kept = ("--anchor", copy / "releases" / "one" / "released.tlog-proof", "--anchor", project / "audit" / "checkpoint")
    whole = caretrace("audit", "verify", "--project", copy, *kept)
    assert whole.returncode == 0, whole.stderr
    unread = caretrace("audit", "verify", "--project", copy, "--anchor", copy / "audit" / "log.vkey")
    assert unread.returncode == 1
    shutil.rmtree(copy / "audit")
    erased = caretrace("audit", "verify", "--project", copy)
    assert erased.returncode == 4
    assert str(Path("releases") / "one") in erased.stderr.replace("\n", "")


def test_an_altered_run_is_not_released(
    tmp_path: Path, caretrace: Any, project: Path, agreement: Path, run_folder: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(run_folder, run)
    person = run / "linked" / "person.parquet"
    person.write_bytes(person.read_bytes()[:-1] + b"x")
    done = caretrace("release", "plan", agreement, "--run", run, "--project", project)
    assert done.returncode == 4, done.stderr
    (run / "manifest.json").unlink()
    done = caretrace("release", "plan", agreement, "--run", run, "--project", project)
    assert done.returncode == 1
    assert "not a finished run" in done.stderr


def test_an_altered_log_is_found(tmp_path: Path, caretrace: Any, project: Path) -> None:
    log = project / "audit" / "log.jsonl"
    before = log.read_bytes()
    try:
        log.write_bytes(before.replace(b"Another Person", b"Another Parson"))
        done = caretrace("audit", "verify", "--project", project)
    finally:
        log.write_bytes(before)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1


def test_a_release_approved_by_a_signature(
    tmp_path: Path, caretrace: Any, project: Path, agreement: Path, run_folder: Path
) -> None:
    """Plan, approve, make: the plan travels to the signatory as a file, the signature back."""
    shutil.copytree(agreement.parent, tmp_path / "agreement")
    path, today = tmp_path / "agreement" / "agreement.toml", date.today()  # noqa: DTZ011 - as the command takes it
    text = path.read_text("utf-8").replace("DSA-EXAMPLE-01", "DSA-EXAMPLE-02")
    path.write_text(text + "\n[approval]\nsigned = true\n", encoding="utf-8")
    example.sign(path, on=today)
    key, secret = tmp_path / "siro.key", "correct horse battery"
    (tmp_path / "passphrase").write_text(secret, encoding="utf-8")
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    encrypted = serialization.BestAvailableEncryption(secret.encode())
    key.write_bytes(example_key("X0X01", "SIRO").private_bytes(*pem, encrypted))

    about = (path, "--run", run_folder, "--project", project)
    done = caretrace("release", "plan", *about, "--to", tmp_path / "plan.json")
    assert done.returncode == 0, done.stderr
    asked = {"CARETRACE_PASSPHRASE_FILE": str(tmp_path / "passphrase")}
    done = caretrace("release", "approve", path, tmp_path / "plan.json", "--key", key, env=asked)
    assert done.returncode == 0, done.stderr
    assert "Fields that leave:" in done.stdout
    to = ("--to", project / "releases" / "approved")
    by_name = caretrace("release", "make", *about, *to, "--approved-by", "Another Person")
    assert (by_name.returncode, "R40: the agreement asks for a signed approval" in by_name.stderr) == (3, True)
    assert caretrace("release", "make", *about, *to).returncode == 1
    approval = tmp_path / "plan.json.X0X01.siro.sig"
    done = caretrace("release", "make", *about, *to, "--approval", approval)
    assert done.returncode == 0, done.stderr
    verified = caretrace("audit", "verify", "--project", project)
    assert "1 of 2 releases carry the approver's signature" in verified.stdout, verified.stderr


def test_papers_are_filled_from_the_project(
    tmp_path: Path, caretrace: Any, project: Path, agreement: Path, run_folder: Path, people: Path
) -> None:
    """From a run as it is, and the releases of the tests above."""
    shutil.copytree(run_folder, project / "runs" / "one")
    assert (
        caretrace("evaluate", run_folder, "--truth", people / "truth.csv", "--out", tmp_path / "found").returncode == 0
    )
    out, found = tmp_path / "papers", tmp_path / "found" / "evaluation.json"
    about = ("--agreement", agreement, "--project", project, "--evaluation", found)
    done = caretrace("officer", "papers", "--out", out, *about)
    assert done.returncode == 0, done.stderr
    page = (out / "dpia.html").read_text("utf-8")
    assert "150 clients in the newest run" in page
    assert "expected by the model itself, not measured: precision" in page
    assert "against known truth (150 clients), with 95% intervals:" in page
    assert "DSA-EXAMPLE-01 1.0: Exampleshire Council" in page
    assert "2 releases begun, 1 approved by a signature" in (out / "processing.html").read_text("utf-8")
