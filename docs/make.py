"""Writes the pages that are generated from the code; `--check` compares instead and fails where they differ.

docs/tables.md comes from the declared tables, docs/cli.md from the command line, the end of docs/quality.md from the
kinds of gap and contradiction.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from schemas import TABLES, Identifies, Table
from schemas.table import Type

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


PAGES = {"tables.md": tables_page, "cli.md": cli_page, "quality.md": quality_page}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` name those that differ and return 1."""
    stale = []
    for name, page in PAGES.items():
        path, text = HERE / name, page().rstrip() + "\n"
        if "--check" in arguments:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    if stale:
        print(f"docs: out of date: {', '.join(stale)}; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
