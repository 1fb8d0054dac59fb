"""Measures one release: a million people with twelve fields each, k-anonymity, scan, pseudonyms, encryption.

python bench/release.py [--people 1000000]

Prints seconds, CPU seconds and peak memory of planning and making (a plan is worked out in both), and whether the
promise is kept: a release within 60 seconds and 2 GB. People are made up on the spot, with numbers of the test range.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from governance import agreement, example, keys, release
from governance.deidentify.columns import RUN_COLUMNS
from schemas import LINK, OBJECTION, OPT_OUT, PERSON, PERSON_KEY
from schemas.table import Table, Type

TODAY = date(2026, 11, 22)
SECONDS, BYTES = 60, 2e9
FIELDS = {
    "birth_date": "five_year_band",
    "gender": "keep",
    "postcode": "district",
    "death_date": "year",
    "ethnicity": "keep",
    "gp_practice_code": "pseudonym",
    "record_id": "pseudonym",
    "uprn": "pseudonym",
    "source": "keep",
    "source_org": "keep",
    "birth_date_precision": "keep",
    "nhs_number_status": "keep",
}
VALUES = {
    "person_key": "printf('%032x', n)",
    "person_nhs_number": "number",
    "nhs_number": "number",
    "side": "'client'",
    "source": "'carefirst'",
    "source_org": "'X0X01'",
    "record_id": "'C-' || n",
    "birth_date": "DATE '1930-01-01' + (hash(n) % 30000)::INTEGER",
    "birth_date_precision": "'YMD'",
    "gender": "CAST(1 + hash(n, 1) % 2 AS VARCHAR)",
    "postcode": "printf('ZE%d %dAA', 1 + hash(n, 2) % 9, hash(n, 3) % 10)",
    "ethnicity": "CASE WHEN hash(n, 4) % 10 < 8 THEN 'A' ELSE 'H' END",
    "gp_practice_code": "printf('Y9%04d', hash(n, 5) % 10)",
    "family_name": "printf('Surname%d', n)",
    "given_name": "printf('Given%d', hash(n, 6) % 5000)",
    "address_line_1": "printf('%d High Street', n)",
    "uprn": "printf('%012d', n)",
    "run_id": "'r'",
    "decision": "'link'",
    "candidate_nhs_number": "number",
}


def numbers(count: int) -> pa.Array:
    """Valid NHS numbers of the test range, in a row."""
    stems = np.arange(900_000_000, 900_000_000 + count * 5 // 4)
    digits = stems[:, None] // 10 ** np.arange(8, -1, -1) % 10
    check = (11 - digits @ np.arange(10, 1, -1) % 11) % 11
    valid = np.flatnonzero(check < 10)[:count]
    return pa.array((stems[valid] * 10 + check[valid]).astype(str))


def write_run(folder: Path, people: pa.Array) -> None:
    """A finished run folder of one client record for each number."""
    (folder / "linked").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.register("numbers", pa.table({"n": np.arange(len(people)), "number": people}))

        def write(table: Table, name: str, *, run_columns: bool, empty: bool = False) -> None:
            kinds = {c.name: c.type for c in (*RUN_COLUMNS, *table.columns)} if run_columns else {}
            kinds |= {c.name: c.type for c in table.columns}
            sql = {Type.TEXT: "VARCHAR", Type.DATE: "DATE"}
            columns = ", ".join(
                f'{VALUES[c]} AS "{c}"' if c in VALUES else f'NULL::{sql.get(kind, kind.value)} AS "{c}"'
                for c, kind in kinds.items()
            )
            where = " WHERE false" if empty else ""
            connection.execute(f"COPY (SELECT {columns} FROM numbers{where}) TO '{folder / name}' (FORMAT parquet)")

        write(PERSON, "linked/person.parquet", run_columns=True)
        write(OPT_OUT, "linked/opt_out.parquet", run_columns=True, empty=True)
        write(OBJECTION, "linked/objection.parquet", run_columns=True, empty=True)
        write(PERSON_KEY, "linked/person_key.parquet", run_columns=False)
        write(LINK, "links.parquet", run_columns=False)
    outputs = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.parquet")
    }
    manifest = {"format": 1, "run_id": "run-1", "outputs": outputs}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def write_agreement(folder: Path, people: pa.Array) -> Path:
    """The example agreement for the twelve fields, signed."""
    path = example.write(folder, people.to_pylist(), today=TODAY)
    text = path.read_text("utf-8")
    begin, end = text.index("[[data.tables]]"), text.index("[disclosure]")
    items = "".join(
        f'  {{ name = "{name}", transform = "{transform}", justification = "measured" }},\n'
        for name, transform in FIELDS.items()
    )
    path.write_text(f'{text[:begin]}[[data.tables]]\nname = "person"\nfields = [\n{items}]\n\n{text[end:]}', "utf-8")
    example.sign(path, on=TODAY)
    return path


def main(arguments: list[str]) -> int:
    """Measure, print, and say whether the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--made", type=Path, help="a folder to make the data in, or where it was made")
    options = parser.parse_args(arguments)
    root = options.made or Path(tempfile.mkdtemp())
    project = root / "project"
    if not (root / "agreement").exists():
        project.mkdir(parents=True)
        made_up = numbers(options.people)
        write_run(project / "runs" / "one", made_up)
        write_agreement(root / "agreement", made_up)
        keys.create(root / "keys", project=project)
        # In a process of its own, so that the memory measured is the release's.
        return main_again(root)
    signed = agreement.load(root / "agreement" / "agreement.toml")
    began, cpu = time.perf_counter(), time.process_time()
    planned = release.plan(
        project / "runs" / "one", signed, project=project, keys_dir=root / "keys", today=TODAY, recipient="X0X02"
    )
    release.check(planned)
    seen = time.perf_counter() - began, time.process_time() - cpu
    release.make(
        planned,
        project / "releases" / f"{time.time_ns()}",
        example.APPROVER,
        maker="maker",
        now=datetime(2026, 11, 22, 12, tzinfo=UTC),
    )
    taken, used = time.perf_counter() - began, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{planned.people:,} people, {sum(field.leaves for field in planned.fields)} fields")
    print(f"plan          {seen[0]:6.1f} s {seen[1]:6.1f} s of CPU")
    print(f"plan and make {taken:6.1f} s {used:6.1f} s of CPU, {memory / 1e9:.2f} GB at most")
    kept = taken < SECONDS and memory < BYTES
    print("kept" if kept else "NOT KEPT", f": {SECONDS} s, {BYTES / 1e9:.0f} GB")
    return 0 if kept else 1


def main_again(root: Path) -> int:
    """Measure in a fresh process."""
    import subprocess

    return subprocess.run([sys.executable, __file__, "--made", str(root)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
