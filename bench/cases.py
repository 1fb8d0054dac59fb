"""The lists that engines are measured on, and how each engine is started on them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
DATA = BENCH / "data"
ENGINES = ("caretrace", "splink", "splink-demonstration", "recordlinkage")
"""Splink stands twice: with blocking fitted to these lists and, in some cases, with that of its own demonstration."""


@dataclass(frozen=True)
class Case:
    """Two lists with the truth beside them."""

    name: str
    title: str
    preset: str
    clients: int
    register: int
    number: bool = False
    """Both lists hold a number of some people: NHS number, or FEBRL's social security number."""
    both_unique: bool = False
    """Neither list holds anybody twice, which a peer that can use it is told."""
    quick: bool = False
    """Belongs to `make bench-quick`."""
    runs: int = 1
    """How often it is measured; the figures are medians."""
    demonstration: bool = False
    """Splink is also measured with the blocking of its demonstration."""
    timeout: int = 300
    """Seconds that an engine may take."""

    @property
    def folder(self) -> Path:
        """Where its lists are."""
        return DATA / (self.preset if self.preset == "febrl4" else f"{self.clients}-{self.register}-{self.preset}")

    def command(self, engine: str, out: Path) -> list[str]:
        """What is timed: a process of its own, from files to files."""
        if engine == "caretrace":
            # FEBRL's number is an IDENTIFIER row, so both sides are folders; else one file each.
            ending = "" if self.preset == "febrl4" and self.number else ".parquet"
            sides = [str(self.folder / f"{side}{ending}") for side in ("clients", "register")]
            return [sys.executable, "-m", "caretrace", "link", *sides, "--out", str(out)]
        script = {"splink": "splink5.py", "recordlinkage": "recordlinkage_.py"}[package(engine)]
        flags = {"--number": self.number, "--both-unique": self.both_unique, "--febrl4": self.preset == "febrl4"}
        given = [flag for flag, on in flags.items() if on]
        given += ["--demonstration"] if engine == "splink-demonstration" else []
        return [sys.executable, str(BENCH / "peers" / script), str(self.folder), str(out), *given]


CASES = (
    Case("20k-300k", "20 k x 300 k, half with NHS numbers", "default", 20_000, 300_000, number=True, quick=True),
    Case("20k-300k-none", "20 k x 300 k, no numbers", "no-nhs-numbers", 20_000, 300_000, quick=True),
    Case(
        "100k-1m", "100 k x 1 M, half with NHS numbers", "default", 100_000, 1_000_000,
        number=True, demonstration=True,
    ),
    Case("100k-1m-none", "100 k x 1 M, no numbers", "no-nhs-numbers", 100_000, 1_000_000),
    # Clients are at most four fifths of the population, so that not everybody old is one.
    Case("1m-1m", "1 M x 1.25 M, half with NHS numbers", "default", 1_000_000, 1_250_000, number=True, timeout=400),
    Case("1m-1m-none", "1 M x 1.25 M, no numbers", "no-nhs-numbers", 1_000_000, 1_250_000, timeout=400),
    Case("census", "census-like, 25 k x 25 k", "census", 25_000, 25_000, both_unique=True, quick=True, runs=3),
    Case("hard", "hard lists, 20 k x 200 k", "hard", 20_000, 200_000, quick=True, runs=3),
    Case("febrl4", "FEBRL 4 without its number", "febrl4", 5_000, 5_000, both_unique=True, quick=True, runs=3),
    Case(
        "febrl4-number", "FEBRL 4 with its number", "febrl4", 5_000, 5_000,
        number=True, both_unique=True, quick=True, runs=3,
    ),
)  # fmt: skip


def package(engine: str) -> str:
    """The package an engine is of."""
    return engine.split("-")[0]


def make_data(case: Case) -> None:
    """Make the lists where they are missing or another version of the generator made them."""
    maker = BENCH / "febrl4.py" if case.preset == "febrl4" else ROOT / "fixtures" / "make.py"
    sources = [maker] if case.preset == "febrl4" else [maker, *sorted((ROOT / "caretrace" / "synthetic").iterdir())]
    made_by, mark = digest(sources), case.folder / "made_by.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == made_by:
        return
    command = [sys.executable, str(maker)]
    if case.preset == "febrl4":
        command += [str(case.folder)]
    else:
        command += ["--clients", str(case.clients), "--register", str(case.register)]
        command += ["--preset", case.preset, "--out", str(case.folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mark.write_text(made_by, encoding="utf-8")


def digest(files: list[Path]) -> str:
    """A hash of the files' names and bytes."""
    total = hashlib.sha256()
    for file in files:
        if file.is_file():
            total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


def code_of(engine: str) -> str:
    """A hash of the code that an engine's figures depend on, so that figures of older code are not taken for new."""
    if engine == "caretrace":
        packages = ("schemas", "connectors", "linkage", "caretrace")
        return digest(sorted(file for package in packages for file in (ROOT / package).rglob("*.py")))
    return digest(sorted((BENCH / "peers").glob("*.py")))
