"""Somebody who is erased is in no table, no file and no byte of the state; everybody else is as they were."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from caretrace.cli.app import app
from caretrace.project import Project
from caretrace.run_settings import RunSettings
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace
from caretrace.warehouse import kept_out
from caretrace.warehouse.store import read_state
from governance import audit, keys
from governance.audit import upkeep

slow = pytest.mark.long
PEOPLE = [
    # record, number, family, given, born, street
    ("C1", "9990000018", "Quillfeather", "Zebedee Quoxley", "1941-03-05", "1 Wyvernholt Lane"),
    ("C2", "9990000026", "Marshgrove", "Ada", "1950-06-07", "2 High Street"),
    ("C3", "9990000034", "Marshgrove", "Bert", "1952-07-08", "2 High Street"),
    ("C4", "9990000042", "Oakhill", "Clara", "1960-01-02", "3 Low Road"),
]
TOML = """
[[source]]
name = "clients"
side = "clients"
feed = "full"
[source.hold]
gone = 1.0
[[source]]
name = "register"
side = "register"
feed = "full"
[source.hold]
gone = 1.0
[resources]
threads = 1
quiet_seconds = 0
"""
HEAD = "record_id,nhs_number,family_name,given_name,birth_date,address_line_1,postcode,gender\n"
HERS = (
    "Quillfeather",
    "QUILLFEATHER",
    "Zebedee",
    "ZEBEDEE",
    "Quoxley",
    "QUOXLEY",
    "Wyvernholt",
    "WYVERNHOLT",
    "9990000018",
)


class Council:
    """A project whose nights a test delivers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said = ""
        self.project = Project(root)

    def __call__(self, *arguments: str, code: int = 0) -> str:
        environment = {"CARETRACE_KEYS": str(self.root.parent / "keys")}
        done = CliRunner().invoke(app, [*arguments, "--project", str(self.root)], env=environment)
        assert done.exit_code == code, done.output
        return done.output

    def deliver(self, day: int, *, street: str = "") -> None:
        """Both lists of a day, and the run that reads them."""
        self.write(day, street=street)
        self("run", "--as-at", f"2026-10-{day:02d}")

    def write(self, day: int, *, street: str = "") -> None:
        """Both lists; the clients have no numbers of their own. She may live elsewhere."""
        for side in ("clients", "register"):
            client = side == "clients"
            lines = [
                f"{record if client else 'R' + record},{'' if client else number},{family},{given},"
                f"{born},{street if street and record == 'C1' else at},AB1 2CD,{'M' if given != 'Ada' else 'F'}\n"
                for record, number, family, given, born, at in PEOPLE
            ]
            path = self.root / "in" / side / f"2026-10-{day:02d}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(HEAD + "".join(lines), encoding="utf-8")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.root / "warehouse" / "state.duckdb"), read_only=True) as state:
            return state.execute(query).fetchall()

    def views(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.root / "warehouse" / "warehouse.duckdb"), read_only=True) as views:
            return views.execute(query).fetchall()

    def erase(self, *arguments: str, code: int = 0) -> str:
        day = ("--as-at", "2026-10-20")
        return self("erase", *arguments, "--reference", "IG-2026-014", "--yes", *day, code=code)

    def holding(self, *words: str) -> list[str]:
        """Files of the project that hold one of the words, in bytes or in the rows of a Parquet file."""
        found = []
        for path in sorted(each for each in self.root.rglob("*") if each.is_file()):
            content = path.read_bytes()
            if path.suffix == ".parquet" and content.startswith(b"PAR1"):
                content = json.dumps(duckdb.execute(f"FROM '{path}'").fetchall(), default=str).encode()
            if any(word.encode() in content for word in words):
                found.append(path.relative_to(self.root).as_posix())
        return found


WORDS = (*HERS, "Griffinbeck", "GRIFFINBECK")
"""She lived at two places in two nights."""


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Council:
    """Two nights: everybody, and that she has moved."""
    root = tmp_path_factory.mktemp("erasing") / "project"
    root.mkdir()
    keys.create(root.parent / "keys", project=root)
    made = Council(root)
    made.project.settings.write_text(TOML, encoding="utf-8")
    made.deliver(1)
    made.deliver(2, street="7 Griffinbeck Way")
    return made


@pytest.fixture(scope="module")
def erased(founded: Council, tmp_path_factory: pytest.TempPathFactory) -> Council:
    """The same after she was erased, with what the command said."""
    made = copied(founded, tmp_path_factory.mktemp("erased"))
    made.said = made.erase("C1", "--whole-person", "--keep-out")
    return made


def copied(council: Council, folder: Path) -> Council:
    """The project and its keys in another folder."""
    for name in ("project", "keys"):
        shutil.copytree(council.root.parent / name, folder / name)
    return Council(folder / "project")


def logged(council: Council) -> list[dict[str, str]]:
    return upkeep.rows(audit.verify(council.project.audit, keys_dir=council.root.parent / "keys").entries)


@pytest.fixture
def council(founded: Council, tmp_path: Path) -> Council:
    return copied(founded, tmp_path)


def test_nothing_of_her_is_left_but_what_is_named(founded: Council, erased: Council) -> None:
    before = founded.holding(*WORDS)
    assert {"warehouse/state.duckdb", "warehouse/history/person/000002.parquet"} <= set(before)
    assert "1 client records and 1 register records" in erased.said
    assert "run folders that go: 0001, 0002" in erased.said
    # What stays is what her sources delivered, and it is named.
    after = erased.holding(*WORDS, "C1,", '"C1"', "RC1")
    assert {name.partition("/")[0] for name in after} == {"in"}, after
    assert all(f"clients/2026-10-0{day}.csv" in erased.said for day in (1, 2))
    assert [path.name for path in (erased.root / "runs").iterdir()] == ["0003"]
    assert erased.views("SELECT count(*) FROM identifiable.person_history WHERE record_id = 'C1'") == [(0,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM clients.person WHERE record_id <> 'C1' ORDER BY ALL",
        "SELECT * FROM register.person WHERE record_id <> 'RC1' ORDER BY ALL",
        "SELECT * EXCLUDE run_id FROM link WHERE record_id <> 'C1' ORDER BY ALL",
        "SELECT * FROM person_key SEMI JOIN (FROM record WHERE record_id NOT IN ('C1', 'RC1')) USING (id) ORDER BY ALL",
        "SELECT count(*) - 2 FROM person ANTI JOIN (FROM person_key WHERE id < 0) USING (person_key)",
    ],
)
def test_everybody_else_is_as_before(founded: Council, erased: Council, query: str) -> None:
    assert erased.ask(query.replace(" - 2", "")) == [
        row if "- 2" not in query else (row[0] + 1,) for row in founded.ask(query)
    ]


def test_the_account_adds_up_and_the_log_names_nobody(erased: Council) -> None:
    result = json.loads((erased.root / "result.json").read_text(encoding="utf-8"))
    assert (result["kind"], result["run"], result["exit_code"]) == ("erase", 3, 0)
    manifest = json.loads((erased.root / "runs" / "0003" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["warehouse"]["faults"] == []
    assert any("1 client records and 1 register records were erased" in note for note in result["notes"])
    [row] = logged(erased)
    assert (row["what"], row["state"]) == ("erasure", "ended")
    assert row["about"].startswith("IG-2026-014: 1 client records, 1 register records, kept out from now on; removed")


def test_who_is_kept_out_does_not_come_back_and_without_keys_nothing_is_read(
    erased: Council, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    council = copied(erased, tmp_path)
    council.deliver(21, street="1 Wyvernholt Close")
    assert council.ask("SELECT side, count(*) FROM record GROUP BY 1 ORDER BY 1") == [("clients", 3), ("register", 3)]
    assert council.ask("SELECT rule, count(*) FROM set_aside GROUP BY 1") == [(kept_out.RULE, 2)]
    assert {name.partition("/")[0] for name in council.holding(*HERS)} == {"in"}
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "none"))
    council.write(22, street="2 Wyvernholt Close")
    done = CliRunner().invoke(app, ["run", "--as-at", "2026-10-22", "--project", str(council.root)])
    assert done.exit_code == 1
    told = json.loads((council.root / "result.json").read_text(encoding="utf-8"))["deliveries"]
    assert {each["outcome"] for each in told} == {"held"}


def test_who_is_kept_out_can_be_let_in_again(erased: Council, tmp_path: Path) -> None:
    council = copied(erased, tmp_path)
    [(source, organisation)] = council.ask("SELECT DISTINCT source, source_org FROM record WHERE side = 'clients'")
    given = ("--let-in", "--side", "client", "--reference", "IG-2026-020")
    wrong = CliRunner().invoke(
        app,
        ["erase", f"{source}/{organisation}/C2", *given, "--project", str(council.root)],
        env={"CARETRACE_KEYS": str(council.root.parent / "keys")},
    )
    assert "number 1 is not kept out" in str(wrong.exception)
    assert "kept out no longer" in council("erase", f"{source}/{organisation}/C1", *given)
    assert council.ask("SELECT count(*) FROM kept_out") == [(1,)]
    council.deliver(21, street="1 Wyvernholt Close")
    assert council.ask("SELECT side, count(*) FROM record GROUP BY 1 ORDER BY 1") == [("clients", 4), ("register", 3)]
    assert [row["about"] for row in logged(council)][-1] == "IG-2026-020: 1 records let in again"


def test_no_undo_brings_her_back(erased: Council, tmp_path: Path) -> None:
    council = copied(erased, tmp_path)
    council("undo", "--to", "1", "--as-at", "2026-10-20")
    assert council.ask("SELECT record_id FROM clients.person ORDER BY 1") == [("C2",), ("C3",), ("C4",)]


@pytest.mark.long
@pytest.mark.prove
def test_a_record_alone_goes_and_comes_back_with_the_next_delivery(council: Council) -> None:
    assert "brings her back" in council.erase("RC1", "--side", "register")
    assert council.ask("SELECT decision, nhs_number FROM link WHERE record_id = 'C1'") == [("none", None)]
    assert council.ask("SELECT count(*) FROM clients.person") == [(4,)]
    assert [name for name in council.holding("9990000018", "RC1") if not name.startswith("in/")] == []
    assert "warehouse/state.duckdb" in council.holding("Quillfeather", "QUILLFEATHER")
    council.deliver(21, street="1 Wyvernholt Close")
    assert council.ask("SELECT decision, nhs_number FROM link WHERE record_id = 'C1'") == [("link", "9990000018")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["C7"], "no record of the id given as number 1"),
        (["C1", "C8"], "given as number 2"),
        (["C1", "--reference", "about C1"], "name nobody"),
        (["C1", "--reference", "999 000 0018"], "name nobody"),
    ],
)
def test_it_refuses_before_anything_is_changed(council: Council, arguments: list[str], words: str) -> None:
    state = (council.root / "warehouse" / "state.duckdb").read_bytes()
    given = arguments if "--reference" in arguments else [*arguments, "--reference", "x"]
    done = CliRunner().invoke(
        app,
        ["erase", *given, "--yes", "--project", str(council.root)],
        env={"CARETRACE_KEYS": str(council.root.parent / "keys")},
    )
    assert done.exit_code == 1
    assert words in str(done.exception) + done.output
    assert (council.root / "warehouse" / "state.duckdb").read_bytes() == state
    assert len(list((council.root / "runs").iterdir())) == 2


def test_it_is_not_done_without_keys_and_a_dry_run_changes_nothing(
    council: Council, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = council("erase", "C1", "--dry-run")
    assert "run folders that go: 0001, 0002" in said
    assert not council.project.audit.exists()
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "none"))
    done = CliRunner().invoke(app, ["erase", "C1", "--reference", "x", "--yes", "--project", str(council.root)])
    assert "keys new" in str(done.exception)
    assert council.ask("SELECT count(*) FROM clients.person") == [(4,)]


@pytest.mark.parametrize(
    "point",
    [
        "caretrace.run_folder.place",
        pytest.param("caretrace.erasing.scrubbing.scrub", marks=[slow, pytest.mark.prove]),
        pytest.param("caretrace.erasing.erasing._remove", marks=[slow, pytest.mark.prove]),
    ],
)
def test_killed_anywhere_it_can_be_finished(council: Council, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    with monkeypatch.context() as killed:

        def kill(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        killed.setattr(point, kill)
        CliRunner().invoke(
            app,
            ["erase", "C1", "--whole-person", "--reference", "IG-2026-014", "--yes", "--project", str(council.root)],
            env={"CARETRACE_KEYS": str(council.root.parent / "keys")},
        )
    assert [row["state"] for row in logged(council)] == ["begun, no end"]
    # Another person's erasure says nothing of this one.
    council("run", "--as-at", "2026-10-20")
    council("erase", "C3", "--reference", "IG-2026-015", "--yes", "--as-at", "2026-10-20")
    assert [row["state"] for row in logged(council)] == ["begun, no end", "ended"]
    if council.ask("SELECT count(*) FROM record WHERE record_id = 'C1'") == [(0,)]:
        assert "finished: E" in council("erase")
    else:
        council.erase("C1", "--whole-person")
    assert {row["state"] for row in logged(council)} == {"ended"}
    assert {name.partition("/")[0] for name in council.holding(*HERS, "Griffinbeck")} == {"in"}


@slow
@pytest.mark.prove
def test_the_file_is_made_anew(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof that the bytes are looked for where they would be: without the copy they are still there."""
    from caretrace.warehouse import store

    monkeypatch.setattr(store, "_renew", lambda connection, _: store.close(connection))
    council.erase("C1", "--whole-person")
    assert "warehouse/state.duckdb" in council.holding(*HERS, "Griffinbeck", "GRIFFINBECK")


@slow
@pytest.mark.prove
def test_records_come_from_a_file_too(council: Council, tmp_path: Path) -> None:
    listed = tmp_path / "whom.txt"
    listed.write_text("\ufeffC1\n\nC2\n", encoding="utf-8")
    council.erase("--file", str(listed))
    assert council.ask("SELECT record_id FROM clients.person ORDER BY 1") == [("C3",), ("C4",)]


@slow
@pytest.mark.prove
def test_an_encrypted_project_stays_encrypted(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARETRACE_KEYS", str(council.root.parent / "keys"))
    council("keys", "at-rest")
    council.project.settings.write_text(TOML + "[at_rest]\nencrypt = true\n", encoding="utf-8")
    council.deliver(3, street="8 Griffinbeck Way")
    council.erase("C1", "--whole-person", "--side", "client")
    state = council.root / "warehouse" / "state.duckdb"
    assert state.read_bytes().startswith(b"age-encryption.org/v1")
    with read_state(council.project.warehouse, RunSettings(as_at=date(2026, 10, 20))) as read:
        assert read.connection.execute("SELECT count(*) FROM state.record").fetchall() == [(6,)]
        assert read.connection.execute("SELECT kind FROM state.run ORDER BY run DESC LIMIT 1").fetchall() == [
            ("erase",)
        ]
    assert {name.partition("/")[0] for name in council.holding(*WORDS)} == {"in"}


@slow
@pytest.mark.prove
def test_links_are_those_of_linking_everybody_without_her(tmp_path: Path) -> None:
    """Names and places that only the erased had are forgotten, and who is weighed by them is decided again."""
    nights = Nights(150, 900, nights=1, seed=4, pace=Pace(change=0.1))
    root = tmp_path / "project"
    for side in nights.sides:
        place = root / "in" / side / f"{nights.day(0)}-full"
        inbox.write(nights, inbox.Delivery(side, place.name, 0, whole=True), place, "standard-csv")
    (root / "caretrace.toml").write_text(inbox.SETTINGS, encoding="utf-8")
    keys.create(tmp_path / "keys", project=root)
    council = Council(root)
    council("run", "--as-at", "2026-10-01")
    clients = council.ask("SELECT DISTINCT record_id FROM link WHERE decision = 'link' ORDER BY 1 LIMIT 12")
    council.erase(*(client for (client,) in clients), "--whole-person", "--side", "client", "--keep-out")
    asked = "SELECT COLUMNS(lambda c: c NOT IN ('run_id', 'from_run')) FROM {} ORDER BY ALL"
    links = [council.ask(asked.format(name)) for name in ("link", "decided")]
    candidates = council.ask("SELECT * FROM candidate ORDER BY ALL")
    # As another version of the code would find it, everybody is linked again with what is kept.
    with duckdb.connect(str(root / "warehouse" / "state.duckdb")) as state:
        state.execute('UPDATE linkage.basis SET facts = json_merge_patch(facts, \'{"code": "another"}\')')
    deliver = inbox.Delivery("clients", "2026-10-02-full", 0, whole=True)
    inbox.write(nights, deliver, root / "in" / "clients" / deliver.name, "standard-csv")
    person = root / "in" / "clients" / deliver.name / "person.csv"
    person.write_text(person.read_text("utf-8") + "\n", encoding="utf-8")
    council("run", "--as-at", "2026-10-21")
    assert [council.ask(asked.format(name)) for name in ("link", "decided")] == links
    assert council.ask("SELECT * FROM candidate ORDER BY ALL") == candidates
    assert len(links[0]) == 150 - len(clients)
