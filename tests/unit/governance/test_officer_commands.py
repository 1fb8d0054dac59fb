"""The commands of an IG officer and of a witness, one after the other as they are used."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from caretrace.cli.app import app
from governance import audit
from governance.officer import paper
from schemas.errors import InputError, IntegrityFailure

if TYPE_CHECKING:
    from conftest import Desk, Kit


@pytest.fixture(scope="module")
def desk(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Twelve people released once, at a time that is past."""
    desk = kit_in(tmp_path_factory.mktemp("desk")).desk()
    desk.make()
    return desk


class Commands:
    """Runs commands in this process, with the keys of a desk."""

    def __init__(self, desk: Desk) -> None:
        passphrase = desk.root / "passphrase"
        passphrase.write_text("correct horse battery", encoding="utf-8")
        self.env = {"CARETRACE_KEYS": str(desk.keys.folder), "CARETRACE_PASSPHRASE_FILE": str(passphrase)}
        self.project = ("--project", str(desk.project))

    def __call__(self, *arguments: str | Path, typed: str = "") -> Result:
        return CliRunner().invoke(app, [*map(str, arguments)], input=typed, env=self.env)

    def done(self, *arguments: str | Path, typed: str = "") -> str:
        result = self(*arguments, typed=typed)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout


@pytest.fixture
def run(desk: Desk) -> Commands:
    return Commands(desk)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_shared_in_every_form(desk: Desk, run: Commands, kit: Kit, tmp_path: Path) -> None:
    number = kit.nhs_number(2)
    ask = ("officer", "shared", "-", "--reference", "SAR-1", *run.project)
    [printed] = rows(run.done(*ask, typed=f"{number}\n"))
    assert printed["organisation_id"] == "X0X02"
    assert rows(run.done(*ask, typed=f"{kit.nhs_number(40)}\n")) == []
    for ending in ("csv", "xlsx", "html"):
        to = tmp_path / f"shared.{ending}"
        assert "(1 row)" in run.done(*ask, "--to", to, typed=number)
        assert isinstance(run(*ask, "--to", to, typed=number).exception, InputError)  # never over anything
    assert rows((tmp_path / "shared.csv").read_text("utf-8-sig")) == [printed]
    page = (tmp_path / "shared.html").read_text("utf-8")
    assert "What was shared about this person" in page
    assert "Exampleshire Integrated Care Board" in page
    with zipfile.ZipFile(tmp_path / "shared.xlsx") as book:
        assert b"Exampleshire Integrated Care Board" in book.read("xl/sharedStrings.xml")
    everything = b"".join(path.read_bytes() for path in (*tmp_path.iterdir(), desk.audit / audit.LOG))
    assert number.encode() not in everything


def test_recall_and_forget(desk: Desk, run: Commands, kit: Kit, tmp_path: Path) -> None:
    person = tmp_path / "person.txt"
    person.write_text(f"{kit.nhs_number(3)}\n", encoding="utf-8")
    about = (person, "--reference", "ART19-1", *run.project)
    [row] = rows(run.done("officer", "recall", *about))
    assert row["organisation"] == "Exampleshire Integrated Care Board"
    run.done("officer", "recalled", row["release_id"], "--reference", "ART19-1", *run.project)
    assert isinstance(run("officer", "forget", *about).exception, InputError)
    assert "1 of 1" in run.done("officer", "forget", *about, "--yes")
    assert rows(run.done("officer", "recall", *about)) == []
    kinds = [entry["type"] for entry in audit.verify(desk.audit, keys_dir=desk.keys.folder).entries]
    assert kinds[-4:] == ["SAR_QUERY", "RECALL_SENT", "PERSON_FORGOTTEN", "SAR_QUERY"]


PAGES: list[tuple[tuple[str, ...], str]] = [
    (("audit", "register"), "Register of disclosures"),
    (("audit", "due"), "Due: incidents, destructions, reviews, ends"),
    (("audit", "writings"), "Written for own systems and national services"),
    (("audit", "upkeep"), "Backups, purges and put-back logs"),
    (("audit", "routes"), "Share routes outside this program"),
    (("reverse", "log"), "Re-identification log"),
    (("officer", "caldicott"), "Evidence for the Caldicott principles"),
    (("officer", "processing"), "Record of processing (Article 30)"),
    (("officer", "opt-outs"), "Opt-outs applied"),
]


@pytest.mark.parametrize(("command", "title"), PAGES, ids=[" ".join(command) for command, _ in PAGES])
def test_every_page_of_the_log_in_every_form(
    run: Commands, tmp_path: Path, command: tuple[str, ...], title: str
) -> None:
    printed = run.done(*command, *run.project)
    for ending in ("csv", "xlsx", "html"):
        run.done(*command, "--to", tmp_path / f"page.{ending}", *run.project)
    assert rows((tmp_path / "page.csv").read_text("utf-8-sig")) == rows(printed)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f"<h1>{title}</h1>" in page
    columns = len(printed.splitlines()[0].split(","))
    across = columns <= paper.MOST_ACROSS
    assert page.count("<tr>") == (1 + len(rows(printed)) if across else len(rows(printed)) * (columns - 1))
    assert all(escape(value) in page for row in rows(printed) for value in row.values())
    with zipfile.ZipFile(tmp_path / "page.xlsx") as book:
        assert b"<row" in book.read("xl/worksheets/sheet1.xml")


def test_a_witness_from_key_to_verified(desk: Desk, run: Commands, tmp_path: Path) -> None:
    named = ("--key", tmp_path / "witness.pem", "--name", "partner.example/witness")
    run.done("agreement", "key", tmp_path / "witness.pem")
    public = tmp_path / "witness.vkey"
    public.write_text(run.done("audit", "witness", "key", *named), encoding="utf-8")
    verify = ("audit", "verify", "--witness", public, *run.project)
    assert isinstance(run(*verify).exception, IntegrityFailure)
    request, answer = tmp_path / "request", tmp_path / "answer"
    run.done("audit", "witness", "ask", "--to", request, *run.project)
    log_key = desk.audit / audit.VKEY
    run.done("audit", "witness", "sign", request, *named, "--log", log_key, "--to", answer)
    run.done("audit", "witness", "keep", request, answer, "--witness", public, *run.project)
    assert "partner.example/witness cosigned the first" in run.done(*verify)
    facts: dict[str, Any] = json.loads(run.done(*verify, "--json"))
    assert facts["cosigned"]["by"] == "partner.example/witness"


def test_a_page_shows_what_is_in_it_and_runs_nothing(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    nasty = [{"a": "<script>alert(1)</script>", "b": "=1+1"}]
    when = datetime(2026, 11, 22, tzinfo=UTC)
    for ending in ("csv", "html", "xlsx"):
        paper.write(tmp_path / f"x.{ending}", "T & <T>", ("a", "b"), nasty, made_at=when)
    page = (tmp_path / "x.html").read_text("utf-8")
    assert "<script" not in page
    assert "T &amp; &lt;T&gt;" in page
    assert (tmp_path / "x.csv").read_bytes().endswith(b",'=1+1\r\n")
    with zipfile.ZipFile(tmp_path / "x.xlsx") as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    wide = [{f"c{n}": "<script>" for n in range(20)}]
    page = paper.html("W", tuple(wide[0]), wide, made_at=when)
    assert (page.count("&lt;script&gt;"), page.count("<script"), "1 row," in page) == (20, 0, True)
    with pytest.raises(InputError, match="has to end with"):
        paper.write(tmp_path / "x.pdf", "T", ("a", "b"), nasty, made_at=when)


def test_pages_of_the_whole_log(desk: Desk, run: Commands, tmp_path: Path) -> None:
    assert rows(run.done("officer", "caldicott", *run.project))[0]["asks"] == "Justify the purpose"
    run.done("officer", "processing", "--to", tmp_path / "ropa.html", *run.project)
    assert "DSA-EXAMPLE-01" in (tmp_path / "ropa.html").read_text("utf-8")
    release = audit.verify(desk.audit, keys_dir=desk.keys.folder).entries
    [made] = [entry["body"]["release_id"] for entry in release if entry["type"] == "RELEASED"]
    opened = run.done("audit", "incident", made, "--about", "a test", *run.project).split()[1]
    pack = rows(run.done("officer", "breach", opened, *run.project))
    assert pack[0] == {"part": "incident", "what": "id", "said": opened}
    for form in ("fhir", "openlineage"):
        run.done("officer", "export", "--as", form, "--to", tmp_path / f"{form}.json", *run.project)
        assert json.loads((tmp_path / f"{form}.json").read_text("utf-8"))
