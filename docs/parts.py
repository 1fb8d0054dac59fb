"""What caretrace is made of, from the lock: a bill of materials, and the lock of what it needs to run.

    python docs/parts.py sbom --out dist/caretrace.cdx.json       CycloneDX 1.6
    python docs/parts.py runtime --out wheels/requirements.txt    the lock without the tools of development

Nothing is asked of the network. Licences are those that the packages installed beside this script declare.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? *\\?$")
_CYCLONEDX = "http://cyclonedx.org/schema/bom-1.6.schema.json"


@dataclass(frozen=True)
class Part:
    """One line of the lock, with what stands below it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    """SHA-256 of each file that may be installed, in hex."""
    wanted_by: tuple[str, ...]
    text: str

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def parts(lock: Path) -> list[Part]:
    """Every package of a lock file that `uv pip compile` wrote."""
    found: list[Part] = []
    block: list[str] = []
    for line in [*lock.read_text(encoding="utf-8").splitlines(), "end==0"]:
        if not line.startswith((" ", "#")) and line.strip():
            if block:
                found.append(_part(block, lock))
            block = []
        block.append(line)
    return found


def _part(block: list[str], lock: Path) -> Part:
    match = _ENTRY.match(block[0])
    if match is None:
        raise SystemExit(f"{lock}: this line is no package of a lock: {block[0]}")
    name, version, marker = match.groups()
    via = [re.sub(r"^\s*#\s*(via)?\s*", "", line) for line in block[1:] if line.lstrip().startswith("#")]
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", "\n".join(block))
    if not hashes:
        raise SystemExit(f"{lock}: {name} has no hash")
    return Part(name, version, marker or "", tuple(hashes), tuple(each for each in via if each), "\n".join(block))


def normal(name: str) -> str:
    """A package's name as PEP 503 compares it.

    >>> normal("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(found: Sequence[Part], extras: Sequence[str] = ()) -> set[str]:
    """Names of what is needed to run: what pyproject.toml asks for, and what that asks for in turn."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if unknown := sorted(set(extras) - set(project["optional-dependencies"])):
        raise SystemExit(f"pyproject.toml has no extra {unknown[0]}")
    asked = [*project["dependencies"], *(each for extra in extras for each in project["optional-dependencies"][extra])]
    names = {normal(re.split(r"[\s\[<>=!~;]", each, maxsplit=1)[0]) for each in asked}
    before: set[str] = set()
    while before != names:
        before = set(names)
        names |= {part.name for part in found if names & set(part.wanted_by)}
    if missing := sorted(names - {part.name for part in found} - {"caretrace"}):
        raise SystemExit(f"the lock has no {', '.join(missing)}; for an extra give --lock requirements-all.lock")
    return names


def bill(lock: Path, extras: Sequence[str] = ()) -> dict[str, Any]:
    """The bill of materials; the same lock gives the same bill, but for licences, which the environment tells."""
    found = parts(lock)
    runtime = needed(found, extras)
    version = _own_version()
    own = f"pkg:pypi/caretrace@{version}"
    direct = [part.purl for part in found if any(each.startswith("caretrace") for each in part.wanted_by)]
    graph = {own: direct, **{part.purl: [p.purl for p in found if part.name in p.wanted_by] for part in found}}
    body = {
        "$schema": _CYCLONEDX,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "caretrace",
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "MIT"}}],
            },
            "properties": [{"name": "caretrace:lock", "value": lock.name}],
        },
        "components": [_component(part, part.name in runtime) for part in found],
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(graph.items())],
    }
    # Named after its content: two bills of one number are the same.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    return {**body, "serialNumber": f"urn:uuid:{serial}"}


def _component(part: Part, runs: bool) -> dict[str, Any]:
    licence = _licence(part)
    return {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
        "scope": "required" if runs else "excluded",
        **({"licenses": [licence]} if licence else {}),
        **({"properties": [{"name": "caretrace:marker", "value": part.marker}]} if part.marker else {}),
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{part.name}/{part.version}/#files",
                "hashes": [{"alg": "SHA-256", "content": each} for each in part.hashes],
            }
        ],
    }


def _licence(part: Part) -> Mapping[str, Any] | None:
    """As the package declares it, where that very version is installed here."""
    try:
        about = metadata.metadata(part.name)
    except metadata.PackageNotFoundError:
        return None
    if about["Version"] != part.version:
        return None
    if expression := about.get("License-Expression"):
        return {"expression": expression}
    classes = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier", []) if each.startswith("License ::")]
    name = "; ".join(each for each in classes if each != "OSI Approved") or (about.get("License") or "").strip()
    return {"license": {"name": name}} if name and "\n" not in name else None


def runtime_lock(lock: Path, extras: Sequence[str] = ()) -> str:
    """The part of the lock that is needed to run, hashes and markers with it, for `pip --require-hashes`."""
    found = parts(lock)
    names = needed(found, extras)
    kept = [part.text for part in found if part.name in names]
    return "\n".join([f"# Of {lock.name}: what caretrace {_own_version()} needs to run.", *kept]) + "\n"


def _own_version() -> str:
    (version,) = re.findall(r'__version__ = "([^"]+)"', (ROOT / "caretrace/version.py").read_text(encoding="utf-8"))
    return str(version)


def main(arguments: list[str]) -> int:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description="What caretrace is made of.")
    parser.add_argument("what", choices=["sbom", "runtime"])
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    parser.add_argument("--extra", action="append", default=[], help="an extra of pyproject.toml; may be repeated")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    if given.what == "sbom":
        text = json.dumps(bill(given.lock, given.extra), indent=2, ensure_ascii=False) + "\n"
    else:
        text = runtime_lock(given.lock, given.extra)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, encoding="utf-8", newline="\n")
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
