"""How packed files are opened, by the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from caretrace.opening import opening
from connectors.files.opening import Opening
from schemas.errors import SettingsError


def test_settings(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.touch()
    assert opening({}) == Opening()
    environ = {"CARETRACE_GPG_PASSPHRASE_FILE": str(secret), "CARETRACE_UNPACK_TIMES": "900"}
    assert opening(environ) == Opening(times=900, passphrase_file=secret)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CARETRACE_UNPACK_TIMES", "0"),
        ("CARETRACE_UNPACK_TIMES", "many"),
        ("CARETRACE_UNPACK_TIMES", "99999"),
        ("CARETRACE_GPG_PASSPHRASE_FILE", "nowhere"),
    ],
)
def test_what_cannot_be(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        opening({name: value})
