"""What the demo needs where there is no clone, and what it leaves alone."""

from pathlib import Path

import pytest

from caretrace import demo
from schemas.errors import InputError
from schemas.progress import SILENT


def test_without_a_clone_extracts_of_every_supplier_are_generated(tmp_path: Path) -> None:
    folder = demo._generate_small(tmp_path / "extracts", SILENT)
    for supplier in ("carefirst", "swift", "emis", "systmone"):
        sizes = [path.stat().st_size for path in (folder / supplier).iterdir()]
        assert max(sizes) > 10_000, supplier
    assert sorted(path.name for path in (folder / "truth").iterdir()) == ["carefirst.csv", "swift.csv"]


def test_each_demo_has_keys_of_its_own_outside_it(tmp_path: Path) -> None:
    keys = tmp_path / "home" / "keys"
    one, two = (demo.keys_folder(tmp_path / name, keys) for name in ("one", "two"))
    assert one != two
    assert one == demo.keys_folder(tmp_path / "x" / ".." / "one", keys)
    assert one.parent == two.parent == tmp_path / "home" / "demo-keys"


@pytest.mark.parametrize("text", [None, "a project of mine"])
def test_a_folder_with_anything_else_in_it_is_not_cleared(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "runs").mkdir()
    if text:
        (tmp_path / "caretrace.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is no demo of before"):
        demo._clear(tmp_path, tmp_path / "keys")
    assert (tmp_path / "runs").is_dir()
