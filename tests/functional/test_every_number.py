"""Every number from the extract to the release: lines, records, rows, figures and rows released, each from the last.

The counts are made here, with other means than the project's own: csv, a parser of HTML, and SQL over what was written.
Each step is then broken in a copy, to see that its count would tell.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caretrace.nightly.night import Wanted
from caretrace.nightly.run import run as run_night
from caretrace.project import Project
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace
from caretrace.warehouse.undo_link import undo_link
from connectors.files.opening import DEFAULT
from governance import agreement, encryption, example, keys, opening, release

SIDES = {"clients": "client", "register": "register"}
NIGHTS = Nights(150, 900, nights=2, seed=3, pace=Pace(change=0.05))


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project of one night, two of whose records cannot be used, and a release made from it."""
    folder = tmp_path_factory.mktemp("council")
    root = folder / "project"
    for side in NIGHTS.sides:
        place = root / "in" / side / f"{NIGHTS.day(0)}-full"
        inbox.write(NIGHTS, inbox.Delivery(side, place.name, 0, whole=True), place, "standard-csv")
    person = root / "in" / "clients" / f"{NIGHTS.day(0)}-full" / "person.csv"
    lines = person.read_text(encoding="utf-8-sig").splitlines()
    # One that names no record, and one that says of itself that it is gone.
    more = [_record(lines[0], "", "Nobody"), _record(lines[0], "gone-1", "Gone") + "deleted"]
    written = [lines[0] + ",record_status", *(line + "," for line in lines[1:]), *more]
    person.write_text("\n".join(written) + "\n", encoding="utf-8")
    (root / "caretrace.toml").write_text(inbox.SETTINGS, encoding="utf-8")
    assert run_night(Project(root), Wanted(NIGHTS.day(0)), opening=DEFAULT).exit_code == 0
    _release(folder)
    return folder


def _record(titles: str, record_id: str, name: str) -> str:
    given = {"record_id": record_id, "family_name": name}
    return ",".join(given.get(title, "") for title in titles.split(",")) + ","


def _release(folder: Path) -> None:
    """Everybody who is linked, by gender and kind of service: so coarse that nobody is withheld."""
    root, today = folder / "project", datetime.now(UTC).date()
    run = root / "runs" / "0001"
    public = encryption.new_identity(folder / "identity.txt")
    (folder / "agreement").mkdir()
    asked = f"SELECT nhs_number FROM '{run}/linked/person_key.parquet' WHERE nhs_number IS NOT NULL"
    numbers = [number for (number,) in duckdb.execute(asked).fetchall()]
    example.write_allowed_list(folder / "agreement", numbers, checked_on=today)
    text = re.sub(r"age16\w+", public, example.agreement_text(today))
    text = re.sub(r'  \{ name = "(birth_date|postcode|event_id|start_date|end_date)".*\n', "", text)
    path = folder / "agreement" / "agreement.toml"
    path.write_text(text, encoding="utf-8")
    example.sign(path, on=today)
    keys.create(folder / "keys", project=root)
    planned = release.plan(run, agreement.load(path), project=root, keys_dir=folder / "keys", today=today)
    release.make(planned, root / "releases" / "one", "Another Person", maker="ann", now=datetime.now(UTC))
    opening.open_release(root / "releases" / "one", folder / "identity.txt", folder / "opened")


class _Cells(HTMLParser):
    """The rows of the tables below a heading, as lists of text."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.heading, self.inside, self.rows, self.open = heading, False, [[]], False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = self.inside or ("id", self.heading) in attrs
        if tag == "tr":
            self.rows.append([])
        self.open = tag in ("td", "th")
        if self.open:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.open and self.inside:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")


def differences(folder: Path) -> Iterator[str]:
    """Each step that does not hold what the step before it gave, by its name."""
    root = folder / "project"
    run = root / "runs" / "0001"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{root}/warehouse/state.duckdb' AS state (READ_ONLY)")

        def one(sql: str) -> Any:
            [(value,)] = connection.execute(sql).fetchall()
            return value

        yield from _into_state(root, one)
        for (name,) in connection.execute(
            "SELECT DISTINCT table_name FROM duckdb_tables() WHERE database_name = 'state' AND schema_name = 'clients'"
        ).fetchall():
            path = run / ("data_quality.parquet" if name == "data_quality" else f"linked/{name}.parquet")
            for side, word in SIDES.items():
                held = one(f"SELECT count(*) FROM state.{side}.{name}")
                if held != one(f"SELECT count(*) FROM '{path}' WHERE side = '{word}'"):
                    yield "published"
        links = f"SELECT count(*) FROM '{run}/links.parquet'"
        if one(links) != one("SELECT count(*) FROM state.clients.person"):
            yield "links"
        if one(f"SELECT count(*) FROM '{run}/linked/person_key.parquet'") != one(
            f"SELECT count(*) FROM '{run}/linked/person.parquet'"
        ):
            yield "person keys"
        yield from _of_page(root, run)
        yield from _of_release(folder, run, one)


def _into_state(root: Path, one: Callable[[str], Any]) -> Iterator[str]:
    """Lines of each file, its account, what was set aside of it, and the rows of the state that were read in it."""
    for path in sorted((root / "in").rglob("*.csv")):
        side, delivery = path.relative_to(root / "in").parts[:2]
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = len(list(csv.reader(file))) - 1
        files = json.loads(one(f"SELECT files FROM state.delivery WHERE side = '{side}' AND name = '{delivery}'"))
        [told] = [each for each in files if Path(each["name"]).name == path.name]
        if told["records"] != lines:
            yield "records"
        aside = one(
            f"SELECT count(*) FROM state.set_aside s JOIN state.delivery d USING (delivery) WHERE d.side = '{side}'"
            f" AND extract_file LIKE '%{path.name}'"
        )
        if told["rejected"] + told["excluded"] != aside or told["used"] + aside != told["records"]:
            yield "set aside"
        if told["used"] != one(f"SELECT count(*) FROM state.{side}.{path.stem}"):
            yield "state"


def _of_page(root: Path, run: Path) -> Iterator[str]:
    """Every number of the night's page is what the question beside it counts in warehouse.duckdb."""
    page = _Cells("traced-head")
    page.feed((run / "report.html").read_text(encoding="utf-8"))
    told = [row for row in page.rows if len(row) == 3 and row[2].startswith("SELECT")]
    if len(told) < 20:
        yield "page"
    with duckdb.connect(str(root / "warehouse" / "warehouse.duckdb"), read_only=True) as views:
        views.execute("USE identifiable")
        for words, number, sql in told:
            if views.execute(sql).fetchall() != [(int(number.replace(",", "")),)]:
                yield f"page: {words}"


def _of_release(folder: Path, run: Path, one: Callable[[str], Any]) -> Iterator[str]:
    """People published are those released and those left out; rows released are all rows of those people."""
    manifest = json.loads((folder / "project" / "releases" / "one" / "manifest.json").read_text(encoding="utf-8"))
    plan = manifest["plan"]
    linked = f"(SELECT person_key FROM '{run}/linked/person.parquet' SEMI JOIN (FROM '{run}/links.parquet'"
    linked += " WHERE decision = 'link') USING (source, source_org, record_id) WHERE side = 'client')"
    if plan["people"] != one(f"SELECT count(DISTINCT person_key) FROM {linked}"):
        yield "people released"
    wanted = {
        "person": plan["people"],
        "service": one(f"SELECT count(*) FROM '{run}/linked/service.parquet' WHERE person_key IN {linked}"),
    }
    if plan["rows"] != wanted:
        yield "rows released"
    for table, rows in wanted.items():
        with (folder / "opened" / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
            if len(list(csv.reader(file))) - 1 != rows:
                yield "sent"
        if one(f"SELECT count(*) FROM '{folder}/opened/{table}.parquet'") != rows:
            yield "sent"


def test_every_number_is_that_of_the_step_before(council: Path) -> None:
    assert list(differences(council)) == []
    counts = json.loads((council / "project" / "runs" / "0001" / "manifest.json").read_text("utf-8"))["counts"]
    assert (counts["clients"]["records"], counts["clients"]["used"], counts["clients"]["people"]) == (
        counts["clients"]["used"] + 2,
        counts["clients"]["used"],
        150,
    )
    assert counts["linked"] > 100


def _line(folder: Path) -> None:
    path = next((folder / "project" / "in" / "clients").rglob("address.csv"))
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")


def _row(table: str) -> Callable[[Path], None]:
    def lose(folder: Path) -> None:
        with duckdb.connect(str(folder / "project" / "warehouse" / "state.duckdb")) as state:
            state.execute(f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")

    return lose


def _published(name: str) -> Callable[[Path], None]:
    def lose(folder: Path) -> None:
        path = folder / ("project/runs/0001" if name.startswith(("linked", "links")) else "opened") / name
        copy = path.with_name("copy.parquet")
        duckdb.execute(f"COPY (SELECT * FROM '{path}' OFFSET 1) TO '{copy}'")
        copy.replace(path)

    return lose


def _written(name: str, pattern: str, instead: str) -> Callable[[Path], None]:
    def lose(folder: Path) -> None:
        path = folder / "project" / name
        text = path.read_text(encoding="utf-8")
        assert re.search(pattern, text)
        path.write_text(re.sub(pattern, instead, text, count=1), encoding="utf-8")

    return lose


@pytest.mark.parametrize(
    ("lose", "step"),
    [
        (_line, "records"),
        (_row("set_aside"), "set aside"),
        (_row("clients.person"), "state"),
        (_row("register.address"), "state"),
        (_row("clients.service"), "published"),
        (_published("linked/person.parquet"), "published"),
        (_published("linked/address.parquet"), "published"),
        (_published("links.parquet"), "links"),
        (_published("linked/person_key.parquet"), "person keys"),
        (_written("runs/0001/report.html", r'(clients linked</th><td class="number">)\d+', r"\g<1>7"), "page: clients"),
        (_written("releases/one/manifest.json", r'("person": )\d+', r"\g<1>7"), "rows released"),
        (_published("service.parquet"), "sent"),
    ],
)
def test_a_row_lost_at_any_step_is_seen(council: Path, tmp_path: Path, lose: Callable[[Path], None], step: str) -> None:
    folder = tmp_path / "council"
    shutil.copytree(council, folder)
    lose(folder)
    assert any(each.startswith(step) for each in differences(folder))


def test_a_wrong_number_says_which_release_it_was_in(council: Path, tmp_path: Path) -> None:
    folder = tmp_path / "council"
    shutil.copytree(council, folder)
    project = Project(folder / "project")
    with duckdb.connect(str(project.warehouse / "state.duckdb"), read_only=True) as state:
        asked = "SELECT record_id, nhs_number FROM link SEMI JOIN loaded_back USING (id) WHERE decision = 'link'"
        client, number = state.execute(f"{asked} ORDER BY 1 LIMIT 1").fetchall()[0]
    undo_link(project, client, by="A reader", now=datetime.now(UTC))
    done = run_night(project, Wanted(NIGHTS.day(1)), opening=DEFAULT)
    assert done.run == 2
    with (project.runs / "0002" / "retractions.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    told = (row["client_id"], row["nhs_number_to_remove"], row["was_in"])
    assert told == (client, number, "R000001")
