"""Damaged hospital files are read with every record accounted for, or refused."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.systems import cds, hl7, sus
from schemas import InputError
from tests.spec.hospital.reading import Reading

WHOLE = {
    "adt.hl7": hl7.framed(hl7.STREAM),
    "apc.csv": sus.write(sus.ROWS),
    "apc.txt": cds.write(cds.ROWS),
}
PIECES = [
    b"|",
    b"^",
    b"~",
    b"&",
    b"\\",
    b"\r",
    b"\n",
    b'"',
    b",",
    b"\\X",
    b"MSH|",
    b"\0",
    b"\xff",
    b"9" * 40,
    b"\x1c",
    b"\x1e",
]
EDITS = st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from([0, 1, 40]), st.sampled_from([b"", *PIECES]))


@given(st.sampled_from(sorted(WHOLE)), st.lists(EDITS, min_size=1, max_size=20))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutilated_file_is_read_with_every_record_accounted_for_or_refused(
    tmp_path: Path, name: str, edits: list[tuple[float, int, bytes]]
) -> None:
    data = bytearray(WHOLE[name])
    for place, cut, put in edits:
        at = int(place * len(data))
        data[at : at + cut] = put
    try:
        Reading(tmp_path / name, bytes(data)).connection.close()
    except InputError as error:
        assert "\n" not in str(error)
