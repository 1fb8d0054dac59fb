"""Writes the pages that are generated from the code; `--check` compares instead and fails where they differ.

docs/tables.md comes from the declared tables, docs/cli.md from the command line, the end of docs/quality.md from the
kinds of gap and contradiction, the end of docs/warehouse.md from the published tables, papers from `papers.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import papers

from schemas import TABLES, Column, Identifies, Table
from schemas.person import KEY_COLUMNS
from schemas.table import Type

if TYPE_CHECKING:
    from schemas.warehouse import Published

KEY = tuple(column.name for column in KEY_COLUMNS)
HERE = Path(__file__).parent
_WORDS = {
    Type.TEXT: "text",
    Type.DATE: "date",
    Type.FLAG: "true/false",
    Type.INTEGER: "integer",
    Type.REAL: "number",
    Type.TIME: "time",
    Type.LEVELS: "map of text to text",
    Type.BITS: "bits by comparison",
}


def tables_page() -> str:
    """The standard tables, as Markdown."""
    parts = [
        "# The standard tables",
        "",
        "Generated from the declarations in `schemas/` by `docs/make.py`; change them there.",
        "",
        "*Identifies* says how far a column points at one person: **direct** alone, **indirect** in combination,",
        "**free text** anything. Governance reads it from the same place. A column marked required is never null.",
        "",
        " · ".join(f"[{name}](#{name.lower()})" for name in TABLES),
        "",
    ]
    for table in TABLES.values():
        parts += _table(table)
    return "\n".join(parts)


def _table(table: Table) -> list[str]:
    key = f" Key: {', '.join(f'`{name}`' for name in table.key)}." if table.key else ""
    grain = table.grain[0].upper() + table.grain[1:]
    lines = [
        f"## {table.name}",
        "",
        f"{grain}.{key}",
        "",
        "| column | type | identifies | meaning |",
        "|---|---|---|---|",
    ]
    for column in table.columns:
        codes = "; ".join(f"`{code}` {meaning}" for code, meaning in (column.codes or {}).items())
        meaning = column.meaning + (f" Codes: {codes}." if codes else "") + (" Required." if column.required else "")
        identifies = "" if column.identifies is Identifies.NO else column.identifies.value
        lines.append(f"| `{column.name}` | {_WORDS[column.type]} | {identifies} | {meaning} |")
    return [*lines, ""]


def cli_page() -> str:
    """The commands with their help texts, as Markdown."""
    import typer

    from caretrace.cli.app import app

    command = typer.main.get_command(app)
    lines = ["# The command line", "", "Generated from the commands by `docs/make.py`; change them there.", ""]
    return "\n".join(lines + _command(command, "caretrace"))


def _command(command: Any, path: str) -> list[str]:
    lines = [f"## {path}", "", (command.help or "").strip(), ""]
    children = getattr(command, "commands", {})
    for name, child in children.items():
        lines += _command(child, f"{path} {name}")
    rows = [
        f"| `{', '.join(each.opts) if each.param_type_name == 'option' else each.name.upper()}` | {each.help or ''} |"
        for each in command.params
        if each.name != "help" and not children
    ]
    return [*lines, *(["| argument or option | meaning |", "|---|---|", *rows, ""] if rows else [])]


_KINDS = "## Every kind\n"


def quality_page() -> str:
    """What is written by hand in docs/quality.md, then the declared kinds of gap and contradiction."""
    from caretrace.quality import KINDS, Kind

    def row(kind: Kind) -> str:
        cells = (
            f"`{kind.name}`",
            kind.title,
            kind.means,
            kind.matters,
            kind.do,
            kind.severity.value,
            kind.mender.value,
        )
        return f"| {' | '.join(cells)} |"

    by_hand = (HERE / "quality.md").read_text(encoding="utf-8").partition(_KINDS)[0]
    head = [
        "| kind | what | it means | it matters, because | what to do | when | who |",
        "|---|---|---|---|---|---|---|",
    ]
    lines = [_KINDS, "Generated from the declarations by `docs/make.py`; change them there.", ""]
    for title, across in (("### In one system", False), ("### Between two systems", True)):
        lines += [title, "", *head, *(row(kind) for kind in KINDS if kind.is_across is across), ""]
    return by_hand + "\n".join(lines)


_EVERY = "## Every table\n"


def warehouse_page() -> str:
    """What is written by hand in docs/warehouse.md, then the published tables as a picture and one by one."""
    from schemas.warehouse import MIGRATIONS, PUBLISHED, VERSION

    by_hand = (HERE / "warehouse.md").read_text(encoding="utf-8").partition(_EVERY)[0]
    lines = [
        _EVERY,
        f"Version {VERSION} of the published tables. Generated from `schemas/warehouse.py` by `docs/make.py`; change",
        "them there. *Hidden* columns are not in the schema `analyst`; a table marked so is not in it at all.",
        "",
        *_diagram(PUBLISHED),
    ]
    for each in PUBLISHED:
        lines += _published(each)
    lines += ["## Versions", "", "| version | what changed for those who read the tables |", "|---|---|"]
    lines += [f"| {number} | {text} |" for number, text in MIGRATIONS.items()]
    return by_hand + "\n".join(lines)


def _diagram(published: Sequence[Published]) -> list[str]:
    """An entity diagram in Mermaid, which GitHub draws: keys only, and what they point at."""
    names = {each.table.name for each in published}
    lines = ["```mermaid", "erDiagram"]
    for each in published:
        table = each.table
        held = {column.name for column in table.columns}
        if table.name not in ("PERSON", "PERSON_KEY") and held.issuperset(KEY):
            lines.append(f"    PERSON ||--o{{ {table.name} : record")
        for parent, column in (("RUN", "run"), ("DELIVERY", "delivery")):
            if column in held and table.name != parent and parent in names:
                lines.append(f"    {parent} ||--o{{ {table.name} : {column}")
    lines += ["    PERSON_KEY ||--|| PERSON : record", "    ENDED_KEY }o--o| PERSON_KEY : merged_into"]
    for each in published:
        table = each.table
        shown = [
            column for column in table.columns if column.name in (*table.key, *KEY, "person_key", "run", "delivery")
        ]
        lines.append(f"    {table.name} {{")
        for each_column in shown:
            mark = " PK" if each_column.name in table.key else " FK"
            lines.append(f"        {_WORDS[each_column.type].split()[0].replace('/', '_or_')} {each_column.name}{mark}")
        lines.append("    }")
    return [*lines, "```", ""]


def _published(each: Published) -> list[str]:
    table = each.table
    where = f"`{each.file}`" if each.file else "only what changed is kept"
    history = f"; what ended: `warehouse/history/{each.name}/`, view `{each.name}_history`" if each.past else ""
    if each.history and not each.past:
        history = f"; all runs: `warehouse/history/{each.name}/`"
    key = f" Key: {', '.join(f'`{name}`' for name in table.key)}." if table.key else ""
    hidden = "" if each.for_analysts else " **Hidden.**"
    meaning = table.grain[0].upper() + table.grain[1:]
    lines = [
        f"### {each.name}",
        "",
        f"{meaning}.{key}{hidden} In the run's folder: {where}{history}.",
        "",
        "| column | type | hidden | meaning |",
        "|---|---|---|---|",
    ]
    return [*lines, *(_row(column) for column in table.columns), ""]


def _row(column: Column) -> str:
    from caretrace.warehouse.publish.catalog import shown

    codes = "; ".join(f"`{code}` {meaning}" for code, meaning in (column.codes or {}).items())
    meaning = column.meaning + (f" Codes: {codes}." if codes else "")
    return f"| `{column.name}` | {_WORDS[column.type]} | {'' if shown(column) else 'hidden'} | {meaning} |"


PAGES = {
    "tables.md": tables_page,
    "cli.md": cli_page,
    "quality.md": quality_page,
    "warehouse.md": warehouse_page,
    **papers.PAGES,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` name those that differ; 1 for those, and where one points at nothing."""
    stale, wrong = [], papers.faults()
    for name, page in PAGES.items():
        path, text = HERE / name, page().rstrip() + "\n"
        if "--check" in arguments:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    if stale:
        print(f"docs: out of date: {', '.join(stale)}; run `make docs`", file=sys.stderr)
    for fault in wrong:
        print(f"docs: {fault}", file=sys.stderr)
    return 1 if stale or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
