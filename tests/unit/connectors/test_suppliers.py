"""What is known of a supplier stands in its own file."""

from __future__ import annotations

import ast
from pathlib import Path

from caretrace.quality.kind import HOLDERS, Mender
from connectors import FORMATS
from connectors.suppliers import holders, tells_deliveries
from connectors.suppliers.mapped import GENERIC

ROOT = Path(__file__).parents[3]
PLACES = ("connectors", "caretrace", "linkage", "governance", "schemas")
# Our own format and the unnamed one are no supplier's.
NAMES = set(FORMATS) - {"standard", GENERIC}
# What makes files in a supplier's form, or asks a service by its name, names it.
NAMED_KNOWINGLY = ("connectors/suppliers/", "caretrace/synthetic/", "caretrace/trace/", "caretrace/cli/trace.py")
NAMED_KNOWINGLY += ("caretrace/demo.py",)
# Words of our own that happen to be a format's: the command, the folder and the module of a writer.
OUR_OWN = {"cld", "fhir"}


def test_no_other_file_knows_a_supplier() -> None:
    found = [
        f"{name}:{node.lineno}: {node.value}"
        for place in PLACES
        for path in sorted((ROOT / place).rglob("*.py"))
        if not (name := path.relative_to(ROOT).as_posix()).startswith(NAMED_KNOWINGLY)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in NAMES - OUR_OWN
    ]
    assert found == []


def test_who_holds_the_records_is_declared_by_the_supplier() -> None:
    assert {HOLDERS[name] for name in ("emis", "emis_search", "systmone")} == {Mender.PRACTICE}
    assert {HOLDERS[name] for name in ("hl7", "sus", "cds")} == {Mender.HOSPITAL}
    assert {HOLDERS[name] for name in ("pds_mesh", "mpt", "dbs")} == {Mender.TRACING}
    # Of all others the side decides.
    assert len(holders()) == len(HOLDERS) == 9


def test_which_formats_tell_of_what_delivery_a_file_is() -> None:
    assert {name for name in FORMATS if tells_deliveries(name)} == {"emis", "systmone"}
    assert tells_deliveries(None)
    assert not tells_deliveries("a council's own")
