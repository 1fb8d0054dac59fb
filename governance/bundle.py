"""The files of a release: data keyed by pseudonym as encrypted Parquet and CSV, a manifest, the plan in plain words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from governance import encryption
from governance.aggregate.tables import COUNT
from governance.agreement import Form
from governance.deidentify import pseudonym, scan
from governance.deidentify.transform import TRANSFORMS, Kind
from governance.files import sha256_of
from governance.keys import Keys
from governance.keys.store import read_root
from governance.plan import ReleasePlan

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SECTION_171 = (
    "Data Protection Act 2018, section 171: it is an offence knowingly or recklessly to re-identify de-identified "
    "personal data without the consent of the controller responsible for de-identifying it."
)
PEOPLE = "map_person"
"""Table of everybody in the release (value: person_key) and their pseudonyms, for the time of the release only."""
BRIDGE = "bridge"
"""File that leads from the pseudonyms of an earlier epoch to those of this one."""
_BOM = b"\xef\xbb\xbf"
_AT_ONCE = 1 << 16
"""Values that are in Python's hands at a time."""


@dataclass(frozen=True)
class Written:
    """The data files of a release."""

    found: tuple[str, ...]
    """What a scan of the final values found against them."""
    names: tuple[str, ...]
    """The encrypted files."""


def write_data(connection: duckdb.DuckDBPyConnection, plan: ReleasePlan, keys: Keys, folder: Path) -> Written:
    """Write each table as Parquet and CSV, each encrypted to the recipient."""
    import pyarrow.parquet as pq

    agreement = plan.signed.agreement
    texts: list[tuple[str, str, str]] = []
    written: list[str] = []
    party = agreement.party(plan.request.recipient)
    recipient = party.encryption_keys if party else ()
    key = pseudonym.derive(
        keys.root,
        agreement_id=agreement.id,
        recipient=plan.request.recipient,
        epoch=plan.request.epoch,
        key_version=keys.version,
    )
    if plan.request.form is not Form.AGGREGATE:
        people = " UNION ".join(f"SELECT person_key AS value FROM out_{table}" for table, _ in plan.rows)
        _mapping(connection, PEOPLE, people, pseudonym.PERSON, key)
    for table, _ in plan.rows:
        if plan.request.form is Form.AGGREGATE:
            names = [name for name in _text_columns(connection, table) if name != COUNT]
        else:
            names = _pseudonymise(connection, plan, table, key)
        data = connection.sql(f"SELECT * FROM final_{table} ORDER BY ALL").to_arrow_table()
        for ending, fill in (
            ("parquet", partial(pq.write_table, data, compression="zstd")),
            ("csv", partial(_write_csv, connection, data)),
        ):
            name = f"{table}.{ending}{encryption.ENDING}"
            encryption.write(folder / name, fill, recipient)
            written.append(name)
        texts += [(f"final_{table}", name, f"{table}.{name}") for name in names]
    if (version := plan.request.evidence.bridge_version) is not None:
        bridge = _bridge(connection, plan, keys, version)
        for ending, fill in (
            ("parquet", partial(pq.write_table, bridge, compression="zstd")),
            ("csv", partial(_write_csv, connection, bridge)),
        ):
            name = f"{BRIDGE}.{ending}{encryption.ENDING}"
            encryption.write(folder / name, fill, recipient)
            written.append(name)
    found = () if plan.request.form is Form.IDENTIFIABLE else tuple(scan.findings(connection, texts))
    return Written(found, tuple(sorted(written)))


def _bridge(connection: duckdb.DuckDBPyConnection, plan: ReleasePlan, keys: Keys, version: int) -> pa.Table:
    """Everybody in the release: their pseudonym of the earlier epoch beside the one of this."""
    agreement = plan.signed.agreement
    earlier = pseudonym.derive(
        read_root(keys.folder, version),
        agreement_id=agreement.id,
        recipient=plan.request.recipient,
        epoch=agreement.pseudonyms.bridge_from or "",
        key_version=version,
    )
    _mapping(connection, "map_earlier", f"SELECT value FROM {PEOPLE}", pseudonym.PERSON, earlier)
    return connection.sql(
        f"SELECT e.pseudonym AS earlier_pseudonym, n.pseudonym FROM {PEOPLE} n JOIN map_earlier e USING (value)"
        " ORDER BY 1"
    ).to_arrow_table()


def _pseudonymise(connection: duckdb.DuckDBPyConnection, plan: ReleasePlan, table: str, key: bytes) -> list[str]:
    """Make `final_<table>`: the person's pseudonym first, and identifying columns replaced; gives its text columns."""
    replaced = [
        field.name
        for field in plan.fields
        if field.table == table and field.leaves and TRANSFORMS[field.transform].kind is Kind.PSEUDONYM
    ]
    for name in replaced:
        values = f'SELECT DISTINCT "{name}" AS value FROM out_{table} WHERE "{name}" IS NOT NULL'
        _mapping(connection, f"map_{name}", values, name, key)
    exchanged = "".join(f', map_{name}.pseudonym AS "{name}"' for name in replaced)
    joins = "".join(f' LEFT JOIN map_{name} ON map_{name}.value = o."{name}"' for name in replaced)
    kept = ", ".join(["person_key", *(f'"{name}"' for name in replaced)])
    connection.execute(
        f"CREATE OR REPLACE TABLE final_{table} AS SELECT map_person.pseudonym, o.* EXCLUDE ({kept}){exchanged}"
        f" FROM out_{table} o JOIN map_person ON map_person.value = o.person_key{joins}"
    )
    for done in (f"out_{table}", *(f"map_{name}" for name in replaced)):
        connection.execute(f"DROP TABLE {done}")
    return _text_columns(connection, table)


def _text_columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    described = connection.execute(f"DESCRIBE final_{table}").fetchall()
    return [row[0] for row in described if row[1] == "VARCHAR"]


def _mapping(connection: duckdb.DuckDBPyConnection, name: str, values: str, kind: str, key: bytes) -> None:
    """A table of distinct values and their pseudonyms, held in memory for the time of the release only."""
    import pyarrow as pa

    def made(batch: pa.RecordBatch) -> pa.RecordBatch:
        values = batch["value"]
        made = pseudonym.pseudonyms(key, kind, values.to_pylist())
        return pa.record_batch({"value": values, "pseudonym": made})

    # Batch by batch: Python's own text of a million people would take as much memory as all their data.
    batches = [made(batch) for batch in connection.sql(values).to_arrow_reader(_AT_ONCE)]
    empty = pa.schema({"value": pa.string(), "pseudonym": pa.large_string()})
    connection.register("mapping", pa.Table.from_batches(batches, None if batches else empty))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM mapping")
    connection.unregister("mapping")


def _write_csv(connection: duckdb.DuckDBPyConnection, data: pa.Table, file: IO[bytes]) -> None:
    """UTF-8 with a mark and CRLF, as spreadsheets expect; what they would run as a formula gets an apostrophe."""
    import pyarrow as pa
    import pyarrow.csv as pc

    def cell(name: str, kind: pa.DataType) -> str:
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return f'"{name}"'
        runs = f"regexp_matches(\"{name}\", '^[=+@\\t\\r-]')"
        return f'CASE WHEN {runs} THEN chr(39) || "{name}" ELSE "{name}" END AS "{name}"'

    columns = ", ".join(cell(field.name, field.type) for field in data.schema)
    connection.register("csv_rows", data)
    safe = connection.sql(f"SELECT {columns} FROM csv_rows").to_arrow_reader(_AT_ONCE)
    file.write(_BOM)
    with pc.CSVWriter(file, safe.schema, write_options=pc.WriteOptions(eol="\r\n")) as writer:
        for batch in safe:
            writer.write(batch)
    connection.unregister("csv_rows")


def manifest(
    plan: ReleasePlan,
    folder: Path,
    *,
    release_id: str,
    maker: str,
    approved_by: str,
    now: datetime,
    data: Sequence[str],
) -> Any:
    """What the recipient needs to know of the files in `folder`, as plain values.

    Of `data`, the encrypted files, it has the hash of what is sent and none of what that decrypts to: who guesses a
    small table of counts could try the guess against it.
    """
    agreement = plan.signed.agreement
    return {
        "format": 3,
        "release_id": release_id,
        "made_at": now.isoformat(),
        "made_by": maker,
        "approved_by": approved_by,
        "notice": SECTION_171,
        "encryption": "age v1 (age-encryption.org) to the public keys of the recipient in `agreement.parties`;"
        " `caretrace release open` or `age -d -i KEY FILE` decrypts",
        "data": {name: {"sha256": sha256_of(folder / name)} for name in data},
        "agreement": agreement.model_dump(
            mode="json", include={"id", "version", "title", "parties", "dates", "purpose", "handling", "pseudonyms"}
        ),
        "pseudonyms": {
            "scheme": pseudonym.SCHEME,
            "method": "HMAC-SHA256, key by HKDF-SHA256 for this agreement, recipient and epoch",
            "key_version": plan.request.evidence.key_version,
        },
        "files": {path.name: {"sha256": sha256_of(path)} for path in sorted(folder.iterdir())},
        "plan": plan.to_json(for_recipient=True),
    }


def write_words(plan: ReleasePlan, folder: Path, **about: Any) -> None:
    """Write plan.txt and then manifest.json, which lists every other file with its hash."""
    (folder / "plan.txt").write_text(plan.to_text(for_recipient=True), encoding="utf-8", newline="\n")
    text = json.dumps(manifest(plan, folder, **about), indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8", newline="\n")
