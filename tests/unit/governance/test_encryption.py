"""What fails beside the encryption is told as what it is, and not as a damaged file."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from governance import encryption


class Failing(io.BytesIO):
    """A file on a disk that is full, or one that cannot be read."""

    def write(self, data: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "unreadable")


@pytest.fixture
def public(tmp_path: Path) -> str:
    return encryption.new_identity(tmp_path / "identity")


def test_a_disk_that_is_full_is_no_damaged_file(tmp_path: Path, public: str) -> None:
    encryption.write_stream(tmp_path / "a.age", io.BytesIO(b"x" * 200_000), [public])
    with pytest.raises(OSError, match="full") as raised:
        encryption.read(tmp_path / "a.age", tmp_path / "identity", Failing())
    assert raised.value.errno == errno.ENOSPC


def test_what_cannot_be_read_is_told_as_such(tmp_path: Path, public: str) -> None:
    with pytest.raises(OSError, match="unreadable"):
        encryption.write_stream(tmp_path / "a.age", Failing(), [public])


def test_a_stream_comes_back(tmp_path: Path, public: str) -> None:
    encryption.write_stream(tmp_path / "a.age", io.BytesIO(b"abc" * 100_000), [public])
    back = io.BytesIO()
    encryption.read(tmp_path / "a.age", tmp_path / "identity", back)
    assert back.getvalue() == b"abc" * 100_000
