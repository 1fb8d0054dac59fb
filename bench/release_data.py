"""Makes what bench/release.py measures: a run folder of made-up people, an agreement for twelve fields, and a log.

Their numbers are of the test range.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from governance import example, keys
from governance.audit import log
from governance.deidentify.columns import RUN_COLUMNS
from schemas import LINK, OBJECTION, OPT_OUT, PERSON, PERSON_KEY
from schemas.table import Table, Type

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
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
    "side": "side",
    "source": "CASE side WHEN 'client' THEN 'carefirst' ELSE 'emis' END",
    "source_org": "'X0X01'",
    "record_id": "upper(side[1]) || '-' || n",
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
    """A finished run folder: for each number a client, linked to a register record."""
    (folder / "linked").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.register("numbers", pa.table({"n": np.arange(len(people)), "number": people}))

        def write(table: Table, name: str, *, run_columns: bool, sides: str = "'client', 'register'") -> None:
            kinds = {c.name: c.type for c in (*RUN_COLUMNS, *table.columns)} if run_columns else {}
            kinds |= {c.name: c.type for c in table.columns}
            sql = {Type.TEXT: "VARCHAR", Type.DATE: "DATE"}
            columns = ", ".join(
                f'{VALUES[c]} AS "{c}"' if c in VALUES else f'NULL::{sql.get(kind, kind.value)} AS "{c}"'
                for c, kind in kinds.items()
            )
            rows = f"SELECT {columns} FROM numbers, (SELECT unnest([{sides}]::VARCHAR[]) AS side)"
            connection.execute(f"COPY ({rows}) TO '{folder / name}' (FORMAT parquet)")

        write(PERSON, "linked/person.parquet", run_columns=True)
        write(OPT_OUT, "linked/opt_out.parquet", run_columns=True, sides="")
        write(OBJECTION, "linked/objection.parquet", run_columns=True, sides="")
        write(PERSON_KEY, "linked/person_key.parquet", run_columns=False)
        write(LINK, "links.parquet", run_columns=False, sides="'client'")
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


def write_release(folder: Path, people: int) -> None:
    """A run of so many people and the agreement to release them under, in `folder`."""
    made_up = numbers(people)
    write_run(folder / "run", made_up)
    write_agreement(folder / "agreement", made_up)


def decisions(count: int) -> list[tuple[str, dict[str, object]]]:
    """Log entries as long as those of a release are."""
    trace = [f"R{rule:02d}.1 ALLOW" for rule in range(1, 46)]
    about = {"agreement_sha256": "0" * 64, "plan_sha256": "1" * 64, "trace_sha256": "2" * 64, "trace": trace}
    return [("DECISION", {"release_id": f"R{n:06d}", "agreement_id": "DSA-1"} | about) for n in range(count)]


def write_log(folder: Path, count: int) -> None:
    """A project with a log of `count` entries, and its keys, in `folder`."""
    project = folder / "project"
    project.mkdir(parents=True)
    secrets = keys.create(folder / "keys", project=project)
    with log.opened(project / "audit", secrets, now=NOW) as held:
        while (missing := count - len(held.entries)) > 0:
            held.append(decisions(min(missing, 1000)), now=NOW)
