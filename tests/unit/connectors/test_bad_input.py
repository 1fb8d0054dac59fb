"""Input that cannot be used at all: one clear sentence each, and never a value."""

from __future__ import annotations

import gzip
import os
import zipfile
from datetime import date
from pathlib import Path

import duckdb
import pytest

from connectors import ReadReport, Source, read
from schemas.errors import InputError, SettingsError

PERSON = "Ramasubramanian"
GOOD = f"record_id,family_name\n1,{PERSON}\n"

PATIENT = ",".join(["PatientGuid", "OrganisationGuid", "Surname", "DateOfBirth", "PatientTypeDescription", "Deleted"])


def _fails(error: type[Exception], *sources: Source) -> str:
    with duckdb.connect() as connection, pytest.raises(error) as caught:
        read(connection, sources, side="clients", as_at=date(2026, 11, 22))
    message = str(caught.value)
    assert PERSON not in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("a.csv", b"", "the file is empty", id="empty"),
        pytest.param("a.csv", b"\r\n\r\n", "the file is empty", id="only blank lines"),
        pytest.param("a.csv", b"\xef\xbb\xbf", "the file is empty", id="only a byte order mark"),
        pytest.param("a.csv", b"record_id,family_name\r\n", "holds a header and no records", id="header only"),
        pytest.param("a.csv", f"id,name\n1,{PERSON}\n".encode(), "the columns fit none of the formats", id="unknown"),
        pytest.param("a.csv", f"1,{PERSON}\n2,{PERSON}\n".encode(), "the columns fit none", id="no header"),
        pytest.param(
            "a.csv",
            b"record_id,family_name,Family_Name\n1,a,b\n",
            "line 1: the column 'Family_Name' stands twice",
            id="duplicate header",
        ),
        pytest.param("a.csv", b"record_id,phone\n1,2\n", "line 1: nothing says who the people are", id="no names"),
        pytest.param("a.csv", b'record_id,"family_name\n1,a\n', "line 1: the header cannot be read", id="open quote"),
        pytest.param("a.csv", gzip.compress(GOOD.encode())[:-9], "is damaged or was cut short", id="gzip"),
        pytest.param("a.csv", b"PK\x03\x04" + b"\0" * 99, "is damaged or was cut short", id="zip"),
        pytest.param("a.csv", b"\xd0\xcf\x11\xe0" + b"\0" * 99, "is no workbook that can be read", id="xls"),
        pytest.param("a.csv", b"%PDF-1.7", "it is a PDF", id="pdf"),
        pytest.param("a.csv", b"-----BEGIN PGP MESSAGE-----\n", "is encrypted with OpenPGP", id="pgp"),
        pytest.param("a.csv", bytes(range(256)) * 8 + b"\0" * 99, "this is not a text file", id="binary junk"),
        pytest.param("a.parquet", GOOD.encode(), "it is not a Parquet file, or it was cut short", id="false parquet"),
        pytest.param("a.parquet", b"", "it is not a Parquet file, or it was cut short", id="empty parquet"),
        pytest.param("a.parquet", b"PAR1" + b"\0" * 64 + b"PAR1", "it is not a Parquet file", id="broken parquet"),
    ],
)
def test_files(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    message = _fails(InputError, Source(path))
    assert sentence in message
    assert str(path) in message


def test_parquet_with_damage_inside(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    table = pa.table({"record_id": [str(n) for n in range(5000)], "family_name": [f"{PERSON}{n}" for n in range(5000)]})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[2000:2040] = bytes(40)
    path.write_bytes(content)
    assert "is damaged inside, or was cut short" in _fails(InputError, Source(path))


def test_named_format_says_which_columns_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"CareFirst ID,Surname\n1,{PERSON}\n", encoding="utf-8")
    assert "the columns Forename, Date of Birth are missing" in _fails(InputError, Source(path, "carefirst"))
    path.write_text(f"CareFirst ID~Surname\n1~{PERSON}\n", encoding="utf-8")
    assert "the delimiter may be none of comma" in _fails(InputError, Source(path, "carefirst"))


def test_paths(tmp_path: Path) -> None:
    assert "no such file" in _fails(InputError, Source(tmp_path / "nowhere.csv"))
    (tmp_path / "folder").mkdir()
    assert "the folder holds no file that ends in .csv" in _fails(InputError, Source(tmp_path / "folder"))
    (tmp_path / "folder" / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "no emis patient file found" in _fails(InputError, Source(tmp_path / "folder", "emis"))


def test_a_loop_of_links(tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    try:
        loop.symlink_to(loop)
    except OSError:
        pytest.skip("this system does not let us make links")
    assert "cannot be read" in _fails(InputError, Source(loop))


def test_a_folder_that_holds_itself_is_read_once(tmp_path: Path, store) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    try:
        (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let us make links")
    assert store.read(tmp_path).records == 1


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    # A folder where a file is expected: permissions refuse nothing to an administrator.
    (tmp_path / "x.csv").mkdir()
    (tmp_path / "x.csv" / "y.csv").mkdir()
    assert "the folder holds no file" in _fails(InputError, Source(tmp_path / "x.csv"))


def test_tables_in_memory(tmp_path: Path) -> None:
    import pandas as pd

    assert "neither a path nor a table" in _fails(InputError, Source(3))
    decimals = pd.DataFrame({"record_id": [1.0, None], "family_name": ["a", "b"]})
    assert "record_id holds decimal numbers" in _fails(InputError, Source(decimals))
    assert "nothing to read" in _fails(InputError)
    assert "holds a header and no records" in _fails(
        InputError, Source(pd.DataFrame({"record_id": [], "family_name": []}).astype(str))
    )


def test_standard_titles_in_capitals(tmp_path: Path, store) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.csv").write_text(f"RECORD_ID,Family_Name\n1,{PERSON}\n", encoding="utf-8")
    assert store.read(tmp_path / "a.csv").formats == ("standard",)
    assert store.one("person", "record_id", "family_name") == ("1", PERSON)
    (tmp_path / "b.csv").write_text(f"Record ID,Family_Name\n1,{PERSON}\n", encoding="utf-8")
    assert "the column record_id is missing" in _fails(InputError, Source(tmp_path / "b.csv", "standard"))


@pytest.mark.parametrize(
    ("titles", "note"),
    [
        ("record_id,family_name,given_name,birth_date,postcode,nhs_number", None),
        (
            "record_id,family_name,given_name,DOB,postcode,colour",
            "columns not used: DOB, colour; columns absent: birth_date, nhs_number",
        ),
        ("record_id,family_name,given_name,birth_date,postcode,", "columns absent: nhs_number"),
    ],
)
def test_the_note_names_what_was_not_used_and_what_is_absent(  # type: ignore[no-untyped-def]
    tmp_path: Path, store, titles: str, note: str | None
) -> None:
    (tmp_path / "person.csv").write_text(f"{titles}\n1{',' * titles.count(',')}\n", encoding="utf-8")
    (tmp_path / "address.csv").write_text("record_id,postcode\n1,BR1 1AA\n", encoding="utf-8")
    assert {file.name: file.note for file in store.read(tmp_path).files} == {"address.csv": None, "person.csv": note}


def test_formats_and_mappings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(GOOD, encoding="utf-8")
    mapping = tmp_path / "map.toml"
    assert "the format 'nosuch' is not known" in _fails(SettingsError, Source(path, "nosuch"))
    assert "the mapping cannot be read" in _fails(SettingsError, Source(path, "swift", mapping))
    for text, sentence in {
        "source = ": "not a TOML file",
        "x = 1": "source must be one of carefirst, ",
        'source = "swift"\ncolour = 1': "unknown setting: colour",
        'source = "swift"\n[kinds.dog]': "unknown kind of file: dog",
        'source = "swift"\n[kinds.person.columns]\nsurname = "X"': "unknown column of kinds.person: surname",
        'source = "swift"\ndates = ["mm/dd/yyyy"]': "'mm/dd/yyyy' is not a form of date",
        'source = "swift"\nencodings = ["ebcdic"]': "'ebcdic' is not known",
    }.items():
        mapping.write_text(text, encoding="utf-8")
        assert sentence in _fails(SettingsError, Source(path, mapping=mapping))
    mapping.write_text('source = "swift"', encoding="utf-8")
    assert "a mapping is for carefirst, " in _fails(SettingsError, Source(path, "fhir", mapping))
    assert "the format other needs a mapping" in _fails(SettingsError, Source(path, "other"))


def test_emis_holds_when_a_sharing_agreement_is_disabled(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(PATIENT + "\n{A},{O},x,1950-01-01,Regular,false\n", encoding="utf-8")
    (tmp_path / "s.csv").write_text("OrganisationGuid,IsActivated,Disabled\n{O},true,TRUE\n", encoding="utf-8")
    message = _fails(InputError, Source(tmp_path))
    assert "s.csv, line 2: a sharing agreement is disabled" in message


def test_systmone_needs_what_its_manifest_lists(tmp_path: Path) -> None:
    (tmp_path / "SRPatient.csv").write_text(
        "RowIdentifier,IDOrganisationVisibleTo,Surname,NHSNumber,DateBirth\n1,A81001,x,,01 Jan 1950 00:00\n",
        encoding="utf-8",
    )
    (tmp_path / "SRManifest.csv").write_text("FileName,IsDelta\nSRPatient,N\nSRCode,N\n", encoding="utf-8")
    assert "the manifest lists files that are not here: SRCode" in _fails(InputError, Source(tmp_path))


def test_a_failed_reading_leaves_the_store_usable_for_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("record_id,family_name\n", encoding="utf-8")
    with duckdb.connect() as connection:
        with pytest.raises(InputError):
            read(connection, [Source(path)], side="clients", as_at=date(2026, 11, 22))
        with pytest.raises(ValueError, match="side is one of"):
            read(connection, [Source(path)], side="other", as_at=date(2026, 11, 22))


def test_the_nearest_format_is_named_with_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Number,Surname,Forename,Date of Birth,Gender\n1,A,B,01/02/1950,F\n", encoding="utf-8")
    said = _fails(InputError, Source(path))
    assert "nearest to carefirst, but the column CareFirst ID is missing from a.csv" in said


CAREFIRST = "CareFirst ID,Surname,Forename,Date of Birth"


@pytest.mark.parametrize("above", ["People of Northshire", "People of Northshire,,,", "\n,,,\nRun by,Somebody,,"])
@pytest.mark.parametrize("format", ["carefirst", None])
def test_titles_below_the_first_line_are_pointed_out(tmp_path: Path, above: str, format: str | None) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"{above}\n{CAREFIRST}\n1,{PERSON},Ann,01/02/1950\n", encoding="utf-8")
    line = above.count("\n") + 2
    assert f"people.csv, line {line}: the titles of a carefirst file stand on this line" in _fails(
        InputError, Source(path, format=format)
    )


def test_a_part_that_lacks_a_column_of_the_others_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{CAREFIRST},NHS Number\n1,{PERSON},Ann,01/02/1950,\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"{CAREFIRST},Gender\n2,{PERSON},Ann,01/02/1950,F\n", encoding="utf-8")
    (tmp_path / "c.csv").write_text(f"{CAREFIRST},NHS Number,Gender\n3,{PERSON},Ann,01/02/1950,,F\n", encoding="utf-8")
    notes = [(file.note or "").partition(";")[0] for file in _read(tmp_path).files]
    assert notes[:2] == [
        "columns absent that b.csv has: Gender",
        "columns absent that a.csv has: NHS Number",
    ]
    assert "absent" not in notes[2]


def test_two_systems_in_one_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("record_id,family_name\n1,A\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("CareFirst ID,Surname,Forename,Date of Birth\n1,A,B,01/02/1950\n", encoding="utf-8")
    said = _fails(InputError, Source(tmp_path))
    assert "of carefirst and of standard (a.csv); give each system a folder of its own" in said


def _read(folder: Path) -> ReadReport:
    with duckdb.connect() as connection:
        return read(connection, [Source(folder)], side="clients", as_at=date(2026, 11, 22))


LINE = "1,A,B,01/02/1950\n"


@pytest.mark.parametrize(
    ("people", "services", "words"),
    [
        (LINE + "2,A", "1,Home care,01/02/2020\n", "its last record is broken"),
        (LINE, "1,Home care,01/02/2020\n", None),
        (LINE, "1,Home care,01/02/2020,\n1,Home care,01/03/2020,\n", "each of its lines ends in one delimiter more"),
        (LINE, "1,Home care,01/02/2020,x\n1,Home care,01/03/2020,\n", "its last record is broken"),
        (LINE, "1,Home care,01/02/2020\n01,Home care,01/02/2020\n02,Home care,01/02/2020\n", "more than half of its"),
    ],
)
def test_what_looks_wrong_with_a_whole_file_is_noted(
    tmp_path: Path, people: str, services: str, words: str | None
) -> None:
    (tmp_path / "a.csv").write_text(f"CareFirst ID,Surname,Forename,Date of Birth\n{people}", encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"CareFirst ID,Service,Service Start\n{services}", encoding="utf-8")
    report = _read(tmp_path)
    notes = [file.note or "" for file in report.files]
    assert [note for note in notes if words and words in note] or not words
    assert words or not [note for note in notes if "record" in note]


def test_a_line_of_totals_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"CareFirst ID,Surname,Forename,Date of Birth\n{LINE}Total,1,,\n", encoding="utf-8")
    report = _read(tmp_path)
    assert (report.records, report.used, report.excluded) == (2, 1, 1)


def test_an_answer_about_opt_outs_is_sent_to_its_command(tmp_path: Path) -> None:
    path = tmp_path / "reply.dat"
    path.write_text("9000000009,\n", encoding="utf-8")
    assert "is read by caretrace opt-out read" in _fails(InputError, Source(path))


def test_a_part_that_lacks_a_column_is_said_to_be_nearly_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"CareFirst ID,Surname,Forename,Date of Birth\n{LINE}", encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"Number,Surname,Forename,Date of Birth,Gender\n{LINE}", encoding="utf-8")
    (note,) = [file.note for file in _read(tmp_path).files if file.name == "b.csv"]
    assert note and note.startswith("not read: nearly a carefirst person file, but the column CareFirst ID is missing")


@pytest.mark.parametrize(
    ("row", "used"),
    [
        ("Total,,,,5", False),
        ("Grand total:,5,,,", False),
        ("(5 rows affected),,,,", False),
        ("Total,,,,", False),
        ("Record count: 5,5,,,", False),
        # Whoever has a name, a birth date or a number is somebody, whatever their id is.
        ("Total,Smith,,,", True),
        ("Total,,,1950-01-02,", True),
        ("5,,,,", True),
        ("Totally,,,,", True),
    ],
)
def test_a_padded_line_of_totals_is_nobody_in_our_own_format(tmp_path: Path, store, row: str, used: bool) -> None:  # type: ignore[no-untyped-def]
    text = f"record_id,family_name,given_name,birth_date,notes\n1,{PERSON},Ann,1950-01-02,\n{row}\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert store.read(tmp_path / "a.csv").used == 1 + used
    if not used:
        assert [rule for (rule,) in store.rows("set_aside", "rule")] == [
            "a line of totals under the records, and nobody's"
        ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    "name", ["a\nb.csv", "a\x1b[2J.csv", "\u202ea.csv", "__.csv", "\U0001f600.csv", "(1) - '\".csv"]
)
def test_names_of_files_are_shown_on_one_line_and_obeyed_by_no_terminal(tmp_path: Path, store, name: str) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / name).write_text(GOOD, encoding="utf-8")
    report = store.read(tmp_path / name)
    (organisation,) = store.one("person", "source_org")
    assert report.used == 1
    assert all(text.isprintable() for text in (report.files[0].name, organisation))
    (tmp_path / name).write_text("a,b\n1,2\n", encoding="utf-8")
    assert _fails(InputError, Source(tmp_path / name)).isprintable()


def test_a_member_of_an_archive_is_shown_on_one_line(tmp_path: Path, store) -> None:  # type: ignore[no-untyped-def]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x\n\x1b[2J.csv", GOOD)
    assert store.read(tmp_path / "a.zip").files[0].name == "a.zip/x??[2J.csv"


def test_a_line_of_titles_that_does_not_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("record_id,family_name" + ",x" * 40_000 + "\n1,A\n", encoding="utf-8")
    assert "line 1: its first line is longer than 64 KB, so it is no line of titles" in _fails(
        InputError, Source(tmp_path / "a.csv")
    )


def test_only_formats_that_are_meant_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    sentence = _fails(InputError, Source(tmp_path / "a.csv", among=("pds_mesh", "mpt")))
    assert sentence.endswith("a.csv: the columns fit none of the formats pds_mesh, mpt; give the file as it came back")
    assert sentence.count("standard") == 0


@pytest.mark.parametrize(("format", "advised"), [("standard", True), (None, False)])
def test_advice_is_given_to_whom_it_helps(tmp_path: Path, format: str | None, advised: bool) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    sentence = _fails(InputError, Source(tmp_path / "a.csv", format, among=("standard",)))
    assert ("name no format" in sentence) is advised
