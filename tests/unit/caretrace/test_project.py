"""Where a command works, and that keys stand elsewhere."""

from pathlib import Path

import pytest

from caretrace import project
from schemas.errors import InputError, SettingsError


def test_the_nearest_marker_upwards_decides(tmp_path: Path) -> None:
    deep = tmp_path / "council" / "sub" / "folder"
    deep.mkdir(parents=True)
    (tmp_path / "council" / "caretrace.toml").touch()
    assert project.find(None, here=deep).root == (tmp_path / "council").resolve()
    assert project.find(None, here=tmp_path).root == tmp_path.resolve()
    assert project.find(deep, here=tmp_path).audit == deep / "audit"


def test_a_project_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such project folder"):
        project.find(tmp_path / "nowhere", here=tmp_path)


def test_keys_inside_the_project_are_refused(tmp_path: Path) -> None:
    council = project.Project(tmp_path / "council")
    inside = {"CARETRACE_KEYS": str(tmp_path / "council" / "keys")}
    outside = {"CARETRACE_KEYS": str(tmp_path / "keys")}
    with pytest.raises(SettingsError, match="inside the project"):
        project.keys_folder(council, environ=inside, platform="linux", home=tmp_path)
    assert project.keys_folder(council, environ=outside, platform="linux", home=tmp_path) == tmp_path / "keys"
