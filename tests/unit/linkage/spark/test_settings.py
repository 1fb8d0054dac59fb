"""What is wrong with a setting, or missing on the machine, is said before any data is read."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from linkage.spark import SparkEngine, SparkSettings
from linkage.spark.exchange import folder, require_shared
from linkage.spark.plan import Size
from linkage.spark.session import defaults, require_java
from schemas.errors import SettingsError


def test_ours_and_sparks_are_told_apart() -> None:
    settings = SparkSettings.parse(
        "spark://host:7077",
        [
            "spark.executor.memory=8g",
            "spark.caretrace.pairsPerTask=5000",
            "spark.caretrace.folder=/mnt/a=b",
            "spark.x=",
        ],
    )
    assert settings == SparkSettings(
        "spark://host:7077", {"spark.executor.memory": "8g", "spark.x": ""}, Path("/mnt/a=b"), Size(pairs=5000)
    )


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("executor.memory=8g", r"executor\.memory: give it as spark\.NAME=VALUE"),
        ("spark.executor.memory", r"spark\.executor\.memory: give it as"),
        ("spark.master=yarn", "give it as --spark-master"),
        ("spark.caretrace.pairs=1", r"spark\.caretrace\.pairs: not known; ours are folder, log, pairsPerTask"),
        ("spark.caretrace.pairsPerTask=1e6", "not a whole number"),
        ("spark.caretrace.rowsPerTask=0", "1 or more"),
        ("spark.caretrace.workerMemory=lots", "not a size"),
    ],
)
def test_a_wrong_setting_is_named(option: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        SparkSettings.parse(None, [option])


def test_executors_elsewhere_need_a_folder_they_see(tmp_path: Path) -> None:
    require_shared("local[2]", None)
    require_shared("yarn", tmp_path)
    with pytest.raises(SettingsError, match=r"spark\.caretrace\.folder"):
        require_shared("yarn", None)


@pytest.mark.parametrize(("name", "says"), [("nowhere", "is not a folder"), ("a,b", "a comma in a path")])
def test_a_folder_that_will_not_do_is_named(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    with (
        duckdb.connect() as connection,
        pytest.raises(SettingsError, match=says),
        folder(connection, tmp_path / name),
    ):
        pass


def test_it_is_said_before_anything_is_read() -> None:
    with pytest.raises(SettingsError, match=r"spark\.caretrace\.folder"):
        SparkEngine(SparkSettings("spark://host:7077"))


def test_pyspark_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(
        SettingsError, match=r"needs PySpark 4, which is not installed; run: pip install 'caretrace\[spark\]'"
    ):
        SparkEngine()


def test_nothing_listens_beyond_this_machine_and_what_is_shuffled_is_encrypted(tmp_path: Path) -> None:
    here = defaults("local[*]", tmp_path)
    assert (here["spark.driver.bindAddress"], here["spark.local.dir"]) == ("127.0.0.1", str(tmp_path))
    there = defaults("yarn", tmp_path)
    assert not there.keys() & {"spark.driver.bindAddress", "spark.local.dir"}
    for each in (here, there):
        assert (each["spark.ui.enabled"], each["spark.io.encryption.enabled"]) == ("false", "true")


def fake_java(folder: Path, version: str, code: int = 0) -> dict[str, str]:
    """An environment whose only command is a Java that calls itself `version`."""
    folder.joinpath("bin").mkdir()
    java = folder / "bin" / ("java.bat" if sys.platform == "win32" else "java")
    quoted = f'openjdk version "{version}" 2025-04-15'
    if sys.platform == "win32":
        java.write_text(f"@echo {quoted} 1>&2\n@exit /b {code}\n", encoding="ascii")
    else:
        java.write_text(f"#!/bin/sh\necho '{quoted}' >&2\nexit {code}\n", encoding="ascii")
        java.chmod(0o700)
    return {"PATH": str(folder / "bin")}


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.2", "25-ea"])
def test_java_17_and_newer_will_do(version: str, tmp_path: Path) -> None:
    require_java(fake_java(tmp_path, version))


@pytest.mark.parametrize(("version", "called"), [("1.8.0_402", "8"), ("11.0.22", "11"), ("16", "16")])
def test_an_older_java_is_named(version: str, called: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"is version {called}; install Java 17"):
        require_java(fake_java(tmp_path, version))


def test_no_java_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs Java 17 or newer, and none was found on the PATH; install Java 17"):
        require_java({"PATH": str(tmp_path)})
    with pytest.raises(SettingsError, match="JAVA_HOME, which is set, holds none"):
        require_java({"PATH": str(tmp_path), "JAVA_HOME": str(tmp_path / "nowhere")})


def test_a_java_that_does_not_start_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not start; install Java 17"):
        require_java(fake_java(tmp_path, "17", code=1))
