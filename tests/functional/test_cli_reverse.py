"""Who is behind a pseudonym, as whole commands: three people, two keys, one log."""

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from governance import example
from governance.agreement.example_keys import EXAMPLE_IDENTITY


def test_two_approvers_name_somebody_again(tmp_path: Path, caretrace: Any, run_folder: Path) -> None:
    today = date.today()  # noqa: DTZ011 - as the command takes it
    numbers = pq.read_table(run_folder / "linked" / "person_key.parquet").column("nhs_number").drop_null().to_pylist()
    agreement = example.write(tmp_path / "agreement", numbers, today=today)
    caretrace("keys", "new", "--project", tmp_path)
    public = [caretrace("release", "key", tmp_path / f"{name}.key").stdout.strip() for name in ("one", "two")]
    approvers = "".join(
        f'\n[[reidentification.approvers]]\nname = "Approver {name}"\nrole = "SIRO"\nkey = "{key[0]}"\n'
        for name, key in zip(("One", "Two"), (re.findall("age1[a-z0-9]+", each) for each in public), strict=True)
    )
    text = re.sub("max_withheld_share = .*", "max_withheld_share = 0.9", agreement.read_text("utf-8"))
    part = (
        f'\n[reidentification]\npurposes = ["safeguarding"]\nconsent = "minute 7"\nmost_people = 1\nuntil = {today}\n'
    )
    agreement.write_text(text + part + approvers, encoding="utf-8")
    example.sign(agreement, on=today)
    to = tmp_path / "releases" / "one"
    to.parent.mkdir()
    made = ("release", "make", agreement, "--run", run_folder, "--to", to, "--project", tmp_path)
    done = caretrace(*made, "--approved-by", "Another Person")
    assert done.returncode == 0, done.stderr
    (tmp_path / "recipient.key").write_text(EXAMPLE_IDENTITY + "\n")
    caretrace("release", "open", to, "--key", tmp_path / "recipient.key", "--to", tmp_path / "received")
    pseudonym = pq.read_table(tmp_path / "received" / "person.parquet")["pseudonym"][0].as_py()
    (tmp_path / "asked.txt").write_text(pseudonym + "\n")

    release = re.search("R[0-9]{6}", done.stdout)[0]
    about = ("--pseudonyms", tmp_path / "asked.txt", "--reason", "a finding", "--project", tmp_path)
    both = ("--approver", "Approver One", "--approver", "Approver Two", "--to", tmp_path / "request.json")
    ask = ("reverse", "ask", agreement, release, *about, *both)
    refused = caretrace(*ask, "--purpose", "research")
    assert refused.returncode == 3
    assert "R43" in refused.stderr
    assert caretrace(*ask, "--purpose", "safeguarding").returncode == 0
    approved, named = tmp_path / "approved.json", tmp_path / "named.csv"
    one = caretrace(
        *("reverse", "approve", tmp_path / "request.json", "--key", tmp_path / "one.key", "--to", approved),
        *("--project", tmp_path),
    )
    assert one.returncode == 0, one.stderr
    opening = ("reverse", "open", agreement, approved, "--to", named, "--project", tmp_path)
    assert caretrace(*opening, "--key", tmp_path / "one.key").returncode == 1
    two = caretrace(*opening, "--key", tmp_path / "two.key")
    assert two.returncode == 0, two.stderr
    [row] = csv.DictReader(io.StringIO(named.read_text("utf-8-sig")))
    assert row["pseudonym"] == pseudonym
    assert row["nhs_number"] in numbers
    assert row["nhs_number"] not in two.stdout + two.stderr
    log = caretrace("reverse", "log", "--project", tmp_path)
    assert [each["state"] for each in csv.DictReader(io.StringIO(log.stdout))] == [
        "refused",
        "opened: people were named again",
    ]
    assert caretrace("audit", "verify", "--project", tmp_path).returncode == 0
