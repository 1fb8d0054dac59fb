"""`caretrace explain`: one client in words, as JSON and as a page, without anybody's values unless asked."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="module")
def clients(run_folder: Path) -> dict[str, Any]:
    """One client of every decision, by the decision."""
    return {row["decision"]: row for row in pq.read_table(run_folder / "links.parquet").to_pylist()}


def test_in_words(caretrace: Any, run_folder: Path, clients: dict[str, Any]) -> None:
    done = caretrace("explain", run_folder, clients["link"]["record_id"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"decision: link, found by: {clients['link']['method']}")
    assert "bands of this run: link from" in done.stdout
    assert "not in the register" in done.stdout
    rows = re.findall(r"^  (.+?)  +.*?([+-]\d+\.\d\d|0\.00)(?:  [ +|-]*)?$", done.stdout, flags=re.MULTILINE)
    told = {name: float(value) for name, value in rows}
    total = told.pop("sum")
    assert total == pytest.approx(sum(told.values()), abs=0.06)  # each is rounded to two decimals
    assert total == pytest.approx(clients["link"]["weight"], abs=0.006)


def test_no_values_unless_asked(caretrace: Any, run_folder: Path, clients: dict[str, Any], tmp_path: Path) -> None:
    client = clients["link"]
    page = tmp_path / "why.html"
    hidden = caretrace("explain", run_folder, client["record_id"], "--html", page)
    shown = caretrace("explain", run_folder, client["record_id"], "--values")
    people = pq.read_table(run_folder / "linked" / "person.parquet").to_pylist()
    (record,) = (p for p in people if p["side"] == "client" and p["record_id"] == client["record_id"])
    for value in (record["family_name"], record["address_line_1"], client["nhs_number"], client["register_record_id"]):
        assert value not in hidden.stdout
        assert value not in page.read_text("utf-8")
        assert value in shown.stdout
    assert "<svg" in page.read_text("utf-8")


def test_as_json(caretrace: Any, run_folder: Path, clients: dict[str, Any]) -> None:
    done = caretrace("explain", run_folder, clients["link"]["record_id"], "--json", "--candidates", "5")
    facts = json.loads(done.stdout)
    assert (facts["decision"], facts["reason"], facts["guard"]) == ("link", None, None)
    best = facts["candidates"][0]
    assert sum(bar["bits"] for bar in best["bars"]) == pytest.approx(best["weight"], abs=1e-5)
    shares = facts["competition"]
    whole = sum(shares["candidates"]) + shares["other_candidates"] + shares["not_in_register"]
    assert whole == pytest.approx(1, abs=1e-6)
    assert "records" not in facts


def test_refusals(caretrace: Any, run_folder: Path, clients: dict[str, Any], tmp_path: Path) -> None:
    name = clients["link"]["record_id"]
    for arguments, words in (
        ((run_folder, "nobody-at-all"), "no client of this run has that id"),
        ((tmp_path / "none", name), "no such run folder"),
        ((run_folder, name, "--html", run_folder / "why.html"), "lies in the run folder"),
    ):
        done = caretrace("explain", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert "nobody-at-all" not in done.stderr
    assert not (run_folder / "why.html").exists()


def test_an_id_of_two_councils(caretrace: Any, tmp_path: Path) -> None:
    lines = {
        "a": "c1,Mary,Featherstone,1931-07-09,14 High Street,BR1 3AA",
        "b": "c1,Peter,Walker,1960-02-03,3 Low Road,BR2 3AA",
    }
    (tmp_path / "clients").mkdir()
    head = "source,source_org,record_id,given_name,family_name,birth_date,address_line_1,postcode"
    rows = [f"standard,{org},{line}" for org, line in lines.items()]
    (tmp_path / "clients" / "person.csv").write_text("\n".join([head, *rows, ""]), "utf-8")
    register = ["record_id,nhs_number,given_name,family_name,birth_date,postcode"]
    register.append("r1,9434765919,Mary,Featherstone,1931-07-09,BR1 3AA")
    (tmp_path / "register.csv").write_text("\n".join([*register, ""]), "utf-8")
    made = caretrace("link", tmp_path / "clients", tmp_path / "register.csv", "--out", tmp_path / "run")
    assert made.returncode == 0, made.stderr
    done = caretrace("explain", tmp_path / "run", "c1")
    assert done.returncode == 1
    assert "--source standard --org a; --source standard --org b" in done.stderr
    alone = caretrace("explain", tmp_path / "run", "c1", "--org", "b").stdout
    assert alone.splitlines() == ["decision: none", "reason: no register record shares enough to be a candidate"]
