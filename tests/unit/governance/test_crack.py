"""What `crack` breaks, what it does not, and that it never tells a value."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from hashlib import sha256, sha512
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import crack
from governance.crack.candidates import Numbers
from governance.crack.targets import digests
from governance.deidentify import pseudonym
from schemas.errors import InputError
from schemas.nhs_number import check_digit, fault

TODAY = date(1901, 1, 1)
"""Early, since every date of birth up to it is tried."""
FEW = Numbers(((943_476_000, 943_476_449), (400_000_000, 400_000_049)))
"""A small part of the numbers, so that the whole of it is walked in a moment."""

STEMS = [943_476_000 + at * 7 for at in range(60)]
NUMBERS = [f"{stem}{check}" for stem in STEMS if (check := check_digit(str(stem))) is not None]

Scheme = Callable[[str], str]

# The weak ones are here to be broken.
md5 = partial(hashlib.md5, usedforsecurity=False)
sha1 = partial(hashlib.sha1, usedforsecurity=False)


def spaced(number: str) -> str:
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def column(values: Sequence[str], **others: Sequence[str]) -> pa.Table:
    return pa.table({"pseudonym": list(values), **{name: list(texts) for name, texts in others.items()}})


def attacked(table: pa.Table, **about: object) -> crack.Report:
    settings: dict[str, object] = {"as_at": TODAY, "seconds": 60, "numbers": FEW}
    return crack.crack(table, "pseudonym", **(settings | about))  # type: ignore[arg-type]


WEAK: list[tuple[str, Scheme, str]] = [
    ("the number", lambda n: n, "the NHS number itself"),
    ("with spaces", spaced, "the NHS number itself"),
    ("backwards", lambda n: n[::-1], "or backwards"),
    ("base64", lambda n: b64(n.encode()), "the NHS number in base64"),
    ("hex of the text", lambda n: n.encode().hex(), "the NHS number in hex"),
    ("hex of the number", lambda n: f"{int(n):x}", "as a hexadecimal count"),
    ("nines", lambda n: "".join(str(9 - int(d)) for d in n), "taken from nines"),
    ("a prefix", lambda n: f"P{n}X", "letters around it"),
    ("a constant", lambda n: str(int(n) + 12_347), "a constant added"),
    ("a constant taken away", lambda n: str(int(n) - 98_765), "a constant added"),
    ("MD5", lambda n: md5(n.encode()).hexdigest(), "MD5 of the NHS number without a key"),
    ("MD5 as a GUID", lambda n: str(UUID(md5(n.encode()).hexdigest())), "MD5 of the NHS number"),
    ("SHA-1", lambda n: sha1(n.encode()).hexdigest(), "SHA-1 of the NHS number without a key"),
    ("SHA-256", lambda n: sha256(n.encode()).hexdigest(), "SHA-256 of the NHS number without a key"),
    ("SHA-256 upper case", lambda n: sha256(n.encode()).hexdigest().upper(), "SHA-256 of the NHS number"),
    ("SHA-256 as SQL writes it", lambda n: "0x" + sha256(n.encode()).hexdigest().upper(), "SHA-256"),
    ("SHA-256 base64", lambda n: b64(sha256(n.encode()).digest()), "SHA-256 of the NHS number"),
    ("SHA-256 base64 cut", lambda n: b64(sha256(n.encode()).digest())[:20], "the NHS number without a key, cut"),
    ("SHA-256 base32", lambda n: base64.b32encode(sha256(n.encode()).digest()).decode(), "SHA-256 of the NHS"),
    ("SHA-256 cut", lambda n: sha256(n.encode()).hexdigest()[:12], "the NHS number without a key, cut"),
    ("SHA-256 cut as MD5", lambda n: sha256(n.encode()).hexdigest()[:32], "cut to its beginning"),
    ("SHA-256, its end", lambda n: sha256(n.encode()).hexdigest()[-16:], "cut to its end"),
    ("SHA-512", lambda n: sha512(n.encode()).hexdigest(), "SHA-512 of the NHS number without a key"),
    ("with spaces, SHA-256", lambda n: sha256(spaced(n).encode()).hexdigest(), "written with spaces"),
    ("with hyphens, MD5", lambda n: md5(spaced(n).replace(" ", "-").encode()).hexdigest(), "with hyphens"),
    ("NVARCHAR", lambda n: sha256(n.encode("utf-16-le")).hexdigest(), "NVARCHAR"),
    ("BIGINT", lambda n: sha1(int(n).to_bytes(8, "big")).hexdigest(), "BIGINT"),
    ("salt in front", lambda n: sha256(f"salt{n}".encode()).hexdigest(), "common salt in front"),
    ("salt behind", lambda n: md5(f"{n}-2024".encode()).hexdigest(), "common salt behind"),
    ("HMAC under a word", lambda n: hmac.digest(b"secret", n.encode(), "sha256").hex(), "HMAC with SHA-256"),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "words"), [row[1:] for row in WEAK], ids=[row[0] for row in WEAK])
def test_each_weak_scheme_is_broken_and_no_value_told(scheme: Scheme, words: str) -> None:
    values = [scheme(number) for number in NUMBERS]
    report = attacked(column(values))
    assert report.failed
    assert words in report.to_text()
    assert report.findings[0].recovered == len(NUMBERS)
    told = report.to_text() + repr(report)
    assert not any(text in told for text in (*values, *NUMBERS))


def test_a_salt_of_ones_own_is_tried() -> None:
    table = column([sha256(f"Ox7!{n}".encode()).hexdigest() for n in NUMBERS])
    assert not attacked(table).failed
    assert "common salt in front" in attacked(table, salts=["Ox7!"]).to_text()


def test_our_own_pseudonyms_withstand() -> None:
    key = pseudonym.derive(bytes(32), agreement_id="A", recipient="R", epoch="1", key_version=1)
    made = pseudonym.pseudonyms(key, pseudonym.PERSON, NUMBERS).to_pylist()
    for values in (made, [value.removeprefix("ct1_") for value in made]):
        report = attacked(column(values))
        assert not report.failed, report.to_text()
        assert report.tried >= 15
        assert not report.left
        assert "withstood" in report.to_text()


def test_random_values_withstand() -> None:
    values = [sha256(f"{n} and what nobody guesses".encode()).hexdigest() for n in NUMBERS]
    assert not attacked(column(values)).failed


@pytest.mark.parametrize(("written", "place"), [
    ("1950-06-15", "ZE1 0AA"), ("19500615", "ZE10AA"), ("15/06/1950", "ZE1"), ("15061950", "ZE1"),
])  # fmt: skip
def test_date_of_birth_with_postcode_is_found_where_the_file_has_them(written: str, place: str) -> None:
    born = [date(1950, 6, 15) + timedelta(days=at) for at in range(40)]
    form = {"1950-06-15": "%Y-%m-%d", "19500615": "%Y%m%d", "15/06/1950": "%d/%m/%Y", "15061950": "%d%m%Y"}[written]
    values = [sha256(f"{place}|{day:{form}}".encode()).hexdigest() for day in born]
    table = column(values, dob=[f"{day:%d/%m/%Y}" for day in born], postcode=["ZE1 0AA"] * len(born))
    assert "date of birth ('dob') and postcode ('postcode')" in attacked(table).to_text()


def test_a_hash_of_a_date_or_of_another_column_is_found() -> None:
    born = [date(1900, 6, 15) + timedelta(days=at) for at in range(40)]
    assert "MD5 of a date" in attacked(column([md5(f"{day:%d/%m/%Y}".encode()).hexdigest() for day in born])).to_text()
    names = [f"Surname{at}" for at in range(40)]
    table = column([sha1(name.upper().encode()).hexdigest() for name in names], surname=names)
    assert "SHA-1 of column 'surname'" in attacked(table).to_text()


@pytest.mark.parametrize(("values", "words"), [
    ([f"P{at:06d}" for at in range(100, 160)], "numbers in sequence"),
    ([sha256(n.encode() + b"hidden").hexdigest()[:7] for n in NUMBERS], "short: at most 2^28"),
])  # fmt: skip
def test_what_is_weak_without_being_broken(values: list[str], words: str) -> None:
    report = attacked(column(values))
    assert report.failed
    assert words in report.to_text()
    assert "weak" in report.to_text()


def test_ten_digits_at_random_are_not_called_nhs_numbers() -> None:
    values = [str(int(sha256(n.encode()).hexdigest(), 16))[:10] for n in NUMBERS]
    assert not any(each.verdict is crack.Verdict.BROKEN for each in attacked(column(values)).findings)


def test_two_files_that_can_be_joined() -> None:
    one, other = column(["aaaaaaaa1", "bbbbbbbb2", "c"]), pa.table({"token": ["bbbbbbbb2", "c", None]})
    [finding] = crack.linkable(one, "pseudonym", other)
    assert finding.to_text() == (
        "broken: linkable: the same values stand in column 'token' of the other file; 1 of 3 values"
    )
    assert crack.linkable(one, "pseudonym", pa.table({"token": ["x"]})) == []


def test_what_there_was_no_time_for_is_said() -> None:
    ticks = iter(range(10**9))
    values = [sha256(n.encode() + b"hidden").hexdigest() for n in NUMBERS]
    report = attacked(column(values), clock=lambda: float(next(ticks)), seconds=5)
    assert report.left
    assert "not reached in the time given" in report.to_text()


def test_candidates_are_valid_numbers_each_once() -> None:
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(FEW.sql(0, FEW.count)).fetchall()
    texts = [row[0] for row in rows]
    stems = [*range(943_476_000, 943_476_450), *range(400_000_000, 400_000_050)]
    assert sorted(texts) == sorted(f"{s}{d}" for s in stems if (d := check_digit(str(s))) is not None)
    assert all(fault(text) is None for text in texts if len(set(text)) > 1)


@given(st.binary(min_size=8, max_size=64))
def test_every_way_of_writing_a_digest_is_read_back(digest: bytes) -> None:
    for text in (
        digest.hex(),
        digest.hex().upper(),
        b64(digest),
        base64.urlsafe_b64encode(digest).decode().rstrip("="),
    ):
        read = [each.text for each in digests([text])]
        assert digest.hex() in read or text.isalnum()


def test_issued_numbers_are_those_of_the_reference() -> None:
    assert Numbers.issued().count == 400_000_000


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeffpseudonym,n\r\n0012345678,1\r\n".encode())
    assert crack.read(tmp_path / "a.csv").to_pydict() == {"pseudonym": ["0012345678"], "n": ["1"]}
    pq.write_table(pa.table({"p": [1], "l": [[1]]}), tmp_path / "a.parquet")
    assert crack.read(tmp_path / "a.parquet").to_pydict() == {"p": ["1"]}
    (tmp_path / "b.csv").write_bytes(b"a,b\r\n9434765919\r\n")
    for name in ("b.csv", "missing.csv"):
        with pytest.raises(InputError) as caught:
            crack.read(tmp_path / name)
        assert "9434765919" not in str(caught.value)
    with pytest.raises(InputError, match="no column 'x'"):
        crack.crack(column(["a"]), "x", as_at=TODAY, seconds=1)


def test_columns_that_look_like_pseudonyms() -> None:
    table = column(["ct1_ABCDEFG2"], born=["1950-06-15"], name=["Surnamelong"], mail=["p12345678@example.org"])
    assert crack.likely(table) == ["pseudonym"]


def test_the_command_ends_with_refused_and_prints_no_value(tmp_path: Path) -> None:
    import typer
    from typer.testing import CliRunner

    from caretrace.cli.crack_test import crack_test

    app = typer.Typer()
    app.command()(crack_test)
    path = tmp_path / "a.csv"
    path.write_text("id,town\n" + "".join(f"{b64(n.encode())},Lerwick\n" for n in NUMBERS), encoding="utf-8")
    result = CliRunner().invoke(app, [str(path), "--with", str(path)])
    assert result.exit_code == 3
    assert "broken: the NHS number in base64 (ten digits that pass Modulus 11); 60 of 60 values" in result.output
    assert "linkable" in result.output
    assert not any(b64(number.encode()) in result.output for number in NUMBERS)
    path.write_text("name\nLerwick\n", encoding="utf-8")
    assert "no column looks like" in str(CliRunner().invoke(app, [str(path)]).exception)
