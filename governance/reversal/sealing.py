"""The sealed file of a release: pseudonyms beside their people, each person encrypted for two approvers together.

    reversal/<release>/people.parquet    pseudonym, sealed: AES-SIV (RFC 5297) of the person as JSON
    reversal/<release>/key.json          its key, for each pair of approvers: age to one within age to the other

AES-SIV binds what it seals to agreement, epoch and release, and finds every alteration.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from governance.agreement import Agreement
from governance.agreement.reversible import Approver
from governance.files import owner_only, write_durably
from schemas.errors import InputError, IntegrityFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

FOLDER = "reversal"
KEY_BYTES = 64
_PEOPLE, _KEY = "people.parquet", "key.json"


def folder(project: Path, release_id: str) -> Path:
    """Where the sealed file of a release is."""
    return project / FOLDER / release_id


def write(
    connection: duckdb.DuckDBPyConnection, agreement: Agreement, project: Path, release_id: str, *, key: bytes
) -> None:
    """Seal who is behind each pseudonym of `map_person` (value, pseudonym), with a new `key` of KEY_BYTES.

    Needs the run's view `person_key`. Without [reidentification] in the agreement nothing is written.
    """
    if agreement.reidentification is None:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = connection.sql("""
        SELECT m.pseudonym, to_json({
            'nhs_number': any_value(k.nhs_number),
            'records': list(DISTINCT {'source': k.source, 'source_org': k.source_org, 'record_id': k.record_id}
                ORDER BY {'source': k.source, 'source_org': k.source_org, 'record_id': k.record_id})
                FILTER (k.side = 'client')
        }) AS person
        FROM map_person m JOIN person_key k ON k.person_key = m.value GROUP BY m.pseudonym ORDER BY m.pseudonym
        """).to_arrow_table()
    seal, about = AESSIV(key).encrypt, _about(agreement, release_id)
    sealed = [seal(person.encode(), about) for person in rows["person"].to_pylist()]
    place = folder(project, release_id)
    place.mkdir(parents=True, mode=0o700)
    pq.write_table(pa.table({"pseudonym": rows["pseudonym"], "sealed": pa.array(sealed, pa.binary())}), place / _PEOPLE)
    wrapped = [
        {"first": one.name, "second": other.name, "key": base64.b64encode(_wrap(key, one, other)).decode()}
        for one, other in itertools.permutations(agreement.reidentification.approvers, 2)
    ]
    facts = {
        "format": 1,
        "release_id": release_id,
        "agreement_id": agreement.id,
        "epoch": agreement.pseudonyms.epoch,
        "pairs": wrapped,
    }
    write_durably(place / _KEY, (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())
    for path in place.iterdir():
        owner_only(path)


def remove(project: Path, release_id: str) -> None:
    """Remove the sealed file of a release that never left."""
    shutil.rmtree(folder(project, release_id), ignore_errors=True)


def wrapped_key(project: Path, release_id: str, first: str, second: str) -> bytes:
    """The key as two approvers open it, the first one first; InputError where the release was not sealed for them."""
    path = folder(project, release_id) / _KEY
    try:
        pairs = json.loads(path.read_text("utf-8"))["pairs"]
        found = [pair["key"] for pair in pairs if (pair["first"], pair["second"]) == (first, second)]
        return base64.b64decode(found[0])
    except OSError:
        raise InputError(
            f"nothing was sealed with {release_id}: the agreement had no part [reidentification] when it was made",
            path=path,
        ) from None
    except (ValueError, KeyError, TypeError, IndexError):
        raise InputError(f"{release_id} was not sealed for {first} and {second}", path=path) from None


def unseal(
    agreement: Agreement, project: Path, release_id: str, pseudonyms: Sequence[str], *, key: bytes
) -> list[dict[str, Any] | None]:
    """Who is behind each pseudonym: nhs_number and records; None for one that the release does not hold.

    IntegrityFailure where the file was altered, or `key` is not its key.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder(project, release_id) / _PEOPLE
    try:
        rows = pq.read_table(path)
        held = rows.filter(pc.is_in(pc.cast(rows["pseudonym"], pa.string()), pa.array(pseudonyms, pa.string())))
        sealed = dict(zip(held["pseudonym"].to_pylist(), held["sealed"].to_pylist(), strict=True))
        opened = AESSIV(key).decrypt
        about = _about(agreement, release_id)
        found = {name: json.loads(opened(text, about)) for name, text in sealed.items()}
    except (OSError, pa.ArrowInvalid, InvalidTag, ValueError, KeyError):
        raise IntegrityFailure(f"{path}: altered, or not of this key; restore it from a backup") from None
    return [found.get(each) for each in pseudonyms]


def _about(agreement: Agreement, release_id: str) -> list[bytes]:
    parts = ("caretrace reversal v1", agreement.id, agreement.pseudonyms.epoch, release_id)
    return [part.encode() for part in parts]


def _wrap(key: bytes, first: Approver, second: Approver) -> bytes:
    """Encrypted to `second` and that to `first`, who therefore opens it first."""
    from governance.encryption import encrypted

    return encrypted(encrypted(key, second.key), first.key)
