"""What the pages for council IT and for the officers say is so: commands parse, files and tests they name exist."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer

from caretrace.cli.app import app
from caretrace.nightly.intake import OVERTAKEN
from caretrace.nightly.result import APPLIED_SINCE, COMES_BEFORE
from caretrace.purge.settings import Retention, read

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "docs" / "operations"
PAGES = [
    ROOT / "docs" / "operations.md",
    ROOT / "SECURITY.md",
    ROOT / "docs" / "ig-guide.md",
    *sorted((ROOT / "docs" / "governance").glob("*.md")),
]
PROVE = "CARETRACE_PROVE" in os.environ
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every command shown on any page, in a block or between backticks."""
    found = []
    for page in sorted({*PAGES, ROOT / "README.md", *(ROOT / "docs").rglob("*.md")}):
        shown = re.findall(r"`(caretrace [^`]+)`", text(page))
        for block in re.findall(r"^```\w*\n(.*?)^```", text(page), flags=re.MULTILINE | re.DOTALL):
            shown += [line for line in block.splitlines() if line.startswith("caretrace ")]
        found += [line for line in shown if not line.startswith("caretrace --")]
    return sorted(set(found))


@pytest.mark.parametrize("line", commands())
def test_commands_parse(line: str) -> None:
    """Every command named exists, with the options named."""
    command, rest = typer.main.get_command(app), shlex.split(line.replace("\\", "/"), comments=True)[1:]
    while hasattr(command, "commands") and rest:
        name, *rest = rest
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert [word for word in rest if word.startswith("--") and word not in options] == []


def test_links_of_the_security_page_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text(ROOT / "SECURITY.md"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_tests_that_are_named_exist(page: Path) -> None:
    for named in re.findall(
        r"`((?:caretrace|connectors|governance|linkage|schemas|tests|docs|fixtures)/[^` ]+)`", text(page)
    ):
        path, _, test = named.partition("::")
        assert (ROOT / path).exists(), named
        assert not test or re.search(rf"^def {test}\(", text(ROOT / path), flags=re.MULTILINE), named


def test_every_hazard_asked_for_has_controls_that_are_tested() -> None:
    sections = re.split(r"^## (H\d+) (.+)$", text(ROOT / "docs/governance/hazard-log.md"), flags=re.MULTILINE)[1:]
    hazards = {name: body for name, _, body in zip(sections[::3], sections[1::3], sections[2::3], strict=True)}
    assert list(hazards) == [f"H{number}" for number in range(1, len(hazards) + 1)]
    for name, body in hazards.items():
        assert "::test_" in body, name
        assert "**Proposed without controls**" in body, name
    titles = " ".join(sections[1::3]).lower()
    assert all(word in titles for word in ("wrong link", "missed link", "re-identification", "stale data"))


def test_the_periods_shown_are_the_ones_in_force() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", text(ROOT / "docs/operations.md"), flags=re.MULTILINE | re.DOTALL)
    shown = tomllib.loads(block)["retention"]
    assert read(shown) == Retention()
    assert shown.keys() == Retention.model_fields.keys()


def test_the_task_for_windows() -> None:
    """As Microsoft's Task Scheduler schema has it: names, and values of its enumerations."""
    task = ElementTree.parse(SCRIPTS / "nightly-task.xml").getroot()  # noqa: S314 - our own file
    assert task.tag == TASK + "Task"
    assert [child.tag.removeprefix(TASK) for child in task] == [
        "RegistrationInfo",
        "Triggers",
        "Principals",
        "Settings",
        "Actions",
    ]
    said: dict[str, Any] = {each.tag.removeprefix(TASK): each.text for each in task.iter()}
    assert said["LogonType"] in {"Password", "S4U", "InteractiveToken"}
    assert said["RunLevel"] == "LeastPrivilege"
    assert said["MultipleInstancesPolicy"] == "IgnoreNew"
    assert re.fullmatch(r"PT\d+H", said["ExecutionTimeLimit"])
    assert datetime.fromisoformat(said["StartBoundary"])
    assert said["Arguments"].endswith("nightly.cmd")
    principal, actions = task.find(f".//{TASK}Principal"), task.find(f"{TASK}Actions")
    assert principal is not None
    assert actions is not None
    assert principal.get("id") == actions.get("Context")
    (SCRIPTS / "nightly-task.xml").read_bytes().decode("ascii")  # schtasks minds what it is encoded as


def test_the_script_for_windows_keeps_the_exit_code() -> None:
    script = (SCRIPTS / "nightly.cmd").read_bytes()
    assert script.count(b"\r\n") == script.count(b"\n"), "cmd.exe wants CRLF"
    lines = script.decode("ascii").splitlines()
    # ERRORLEVEL is that of the command just before, so it is kept on the very next line.
    for number, line in enumerate(lines):
        if line.startswith('call "%CARETRACE%"'):
            assert re.fullmatch(r'set "(RUN|BACKUP)=%ERRORLEVEL%"', lines[number + 1])
    assert lines[-2:] == ['if not "%RUN%"=="0" exit /b %RUN%', "exit /b %BACKUP%"]


@pytest.mark.parametrize("script", ["nightly.cmd", "nightly.sh"])
def test_both_scripts_do_the_same(script: str) -> None:
    said = (SCRIPTS / script).read_text(encoding="utf-8")
    for words in (" run --project ", " backup --out ", " --keep 14 "):
        assert words in said
    for name in ("CARETRACE", "PROJECT", "BACKUPS", "CARETRACE_KEYS", "BACKUP_KEY"):
        assert name in said


def test_the_units_for_systemd() -> None:
    service, timer = (configparser.RawConfigParser(strict=False) for _ in range(2))
    for parser, name in ((service, "caretrace.service"), (timer, "caretrace.timer")):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string((SCRIPTS / name).read_text(encoding="utf-8"))
    assert service["Service"]["Type"] == "oneshot"
    assert timer["Timer"]["Persistent"] == "true"
    if PROVE and (verify := shutil.which("systemd-analyze")):
        done = subprocess.run([verify, "calendar", timer["Timer"]["OnCalendar"]], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


LATE = {"status": "nothing new", "exit_code": 0, "summary": "nothing new; 1 late"}


def passed_over(reason: str) -> dict[str, str]:
    return {"source": "gp", "name": "1", "outcome": "late", "reason": reason}


def repeated(reason: str) -> dict[str, str]:
    return passed_over(reason) | {"outcome": "repeated"}


@pytest.mark.parametrize(
    ("night", "code", "words"),
    [
        ({"status": "done", "exit_code": 0, "summary": "run 3 (night)"}, 0, "OK: run 3"),
        ({"status": "nothing new", "exit_code": 0, "summary": "nothing new"}, 0, "OK"),
        ({"status": "held", "exit_code": 1, "summary": "clients/a held"}, 1, "WARNING"),
        (LATE | {"deliveries": [passed_over(f"{COMES_BEFORE} 2, which is applied already")]}, 1, "WARNING"),
        (LATE | {"deliveries": [passed_over(OVERTAKEN.format("2"))]}, 0, "OK: nothing new; 1 late"),
        (LATE | {"deliveries": [repeated("its files are those of 1")]}, 0, "OK"),
        (LATE | {"deliveries": [repeated(f"its files are those of 1; {APPLIED_SINCE} 2")]}, 1, "WARNING"),
        (LATE | {"notes": ["the model is old"]}, 0, "OK"),
        (
            LATE | {"notes": ["gp: the last one was applied 2 days ago, and one is expected every 1"]},
            1,
            "; gp: the last",
        ),
        ({"status": "done", "exit_code": 0, "summary": "run 3", "age": -48}, 3, "in the future"),
        ({"status": "failed", "exit_code": 1, "summary": "failed: disk"}, 2, "CRITICAL"),
        ({"status": "done", "exit_code": 0, "summary": "run 3", "age": 27}, 2, "27 hours ago"),
        ({"status": "done"}, 3, "UNKNOWN"),
        (None, 3, "UNKNOWN"),
    ],
)
def test_the_check_for_monitoring(tmp_path: Path, night: dict[str, Any] | None, code: int, words: str) -> None:
    if night is not None:
        if "exit_code" in night:
            night = night | {"finished": (datetime.now(UTC) - timedelta(hours=night.get("age", 1))).isoformat()}
        (tmp_path / "result.json").write_text(json.dumps(night), encoding="utf-8")
    command = [sys.executable, str(SCRIPTS / "check_caretrace.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, words in done.stdout) == (code, True), done.stdout + done.stderr


def _parts(*arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "docs" / "parts.py"), *map(str, arguments)], check=True, stdout=subprocess.DEVNULL
    )


def test_the_bill_of_materials(tmp_path: Path) -> None:
    _parts("sbom", "--out", tmp_path / "a.json")
    bill = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    parts = {part["bom-ref"]: part for part in bill["components"]}
    assert len(parts) == len(bill["components"])
    locked = set(re.findall(r"^([a-z0-9-]+)==", text(ROOT / "requirements.lock"), flags=re.MULTILINE))
    assert {part["name"] for part in parts.values()} == locked
    required = {part["name"] for part in parts.values() if part["scope"] == "required"}
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    asked = {re.split(r"[<>=\[]", each)[0] for each in project["dependencies"]}
    assert asked <= required
    assert {"pytest", "ruff", "hatchling"} & required == set()
    assert all(hashed["alg"] == "SHA-256" for part in parts.values() for hashed in _hashes(part))
    assert all(_hashes(part) for part in parts.values())
    own = bill["metadata"]["component"]["bom-ref"]
    refs = {own, *parts}
    assert {each["ref"] for each in bill["dependencies"]} == refs
    assert {on for each in bill["dependencies"] for on in each["dependsOn"]} <= refs


def _hashes(part: dict[str, Any]) -> list[dict[str, str]]:
    return [hashed for each in part["externalReferences"] for hashed in each["hashes"]]


def test_the_lock_to_run_is_of_the_lock(tmp_path: Path) -> None:
    _parts("runtime", "--out", tmp_path / "requirements.txt")
    lines = (tmp_path / "requirements.txt").read_text("utf-8").splitlines()
    assert set(lines[1:]) <= set(text(ROOT / "requirements.lock").splitlines())
    assert not any(line.startswith("pytest") for line in lines)


if PROVE:  # fetches 150 MB

    @pytest.mark.prove
    def test_what_is_carried_over_installs_without_a_network(tmp_path: Path) -> None:
        """The commands of docs/operations.md, in a fresh environment whose index cannot be reached."""
        wheels = tmp_path / "wheels"
        _parts("runtime", "--out", wheels / "requirements.txt")
        pip = [sys.executable, "-m", "pip"]
        locked = ["--require-hashes", "-r", str(wheels / "requirements.txt")]
        subprocess.run(
            [*pip, "download", "-q", "--only-binary", ":all:", "--dest", str(wheels), *locked], check=True, timeout=900
        )
        build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT)]
        subprocess.run([*pip, *build], check=True, timeout=300)
        venv.create(tmp_path / "venv", with_pip=True)
        programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
        alone = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        alone |= {
            "PIP_CONFIG_FILE": os.devnull,
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
        }
        install = [str(programs / "python"), "-m", "pip", "install", "-q", "--no-index", "--find-links", str(wheels)]
        for rest in (locked, ["--no-deps", "caretrace"]):
            subprocess.run([*install, *rest], check=True, env=alone, timeout=900)
        subprocess.run([str(programs / "python"), "-m", "pip", "check"], check=True, env=alone)
        made = subprocess.run(
            [str(programs / "caretrace"), "init", str(tmp_path / "council"), "--example"], check=False, env=alone
        )
        assert made.returncode == 0
        ran = subprocess.run(
            [str(programs / "caretrace"), "run", "--project", str(tmp_path / "council")],
            check=False,
            env=alone,
            capture_output=True,
            text=True,
        )
        assert (ran.returncode, ran.stdout[:5]) == (0, "run 1"), ran.stderr
