"""The pages of docs/governance that are papers: made from the code, with whatever they point at looked up.

hazard-log.md, dpia-template.md and record-of-processing.md come from `caretrace/papers/*.toml`, which the papers of a
project are filled from too; rules.md from the rules, bill-of-materials.md from the lock. `faults` says what a page
points at that is not there: `make docs` and `make docs-check` fail on it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))  # for parts.py, which stands beside this file

import parts  # noqa: E402

from caretrace.papers import hazards  # noqa: E402
from caretrace.papers.facts import period  # noqa: E402
from caretrace.papers.known import KNOWN  # noqa: E402
from caretrace.papers.paper import Paper, Row, read  # noqa: E402
from caretrace.papers.writing import papers  # noqa: E402

MADE = "Generated from {} by `docs/make.py`; change it there."
GUIDE = HERE / "ig-guide.md"


def _after(page: str, first: str, lines: list[str]) -> str:
    """What is written by hand on a page before the heading `first`, then `lines`, which begin with it."""
    by_hand, found, _ = (HERE / page).read_text(encoding="utf-8").partition(f"{first}\n")
    if not found:
        raise SystemExit(f"docs/{page}: the heading '{first}', where the made part begins, is gone")
    return by_hand + "\n".join([first, *lines])


def hazard_page() -> str:
    """The hazard log: the table of risks, each hazard, and what the deploying organisation has to say."""
    lines = ["", MADE.format("`caretrace/papers/hazards.toml`"), "", *_risks(), ""]
    for each in hazards.read():
        lines += [f"## {each.id} {each.title}", ""]
        lines += [each.what, ""] if each.what else []
        said = (("Causes", each.causes), ("Effect", each.effect))
        lines += [f"- **{name}**: {text}" for name, text in said if text]
        lines.append(f"- **Proposed without controls**: {each.without}. **With**: {each.with_controls}.")
        lines.append("- **Controls here**:")
        lines += [
            f"  - {control.does} ({', '.join(f'`{ref}`' for ref in control.shown_by)})" for control in each.controls
        ]
        more = (("Found by", each.found_by), ("Undone by", each.undone_by), ("Left to you", each.left_to_you))
        lines += [f"- **{name}**: {text}" for name, text in more if text]
        lines += [f"- **From a project**: {'; '.join(KNOWN[name] for name in each.facts)}.", ""]
    own = hazards.paper().sections[-1]
    lines += [f"## {own.title}", "", *_table(own.rows)]
    return _after("governance/hazard-log.md", "## Risks", lines)


def _risks() -> list[str]:
    head = f"| severity \\ likelihood | {' | '.join(hazards.LIKELIHOODS)} |"
    return [
        head,
        "|---" * (1 + len(hazards.LIKELIHOODS)) + "|",
        *(f"| {name} | {' | '.join(map(str, risks))} |" for name, risks in hazards.RISK.items()),
    ]


def dpia_page() -> str:
    """The impact assessment as a template."""
    return _template("governance/dpia-template.md", "## The assessment", read("dpia"), [])


def record_page() -> str:
    """The record of processing as a template, with the periods in force where none are set."""
    from caretrace.purge.settings import Retention

    periods = ["### Periods where none are set", "", "| `[retention]` | [assumed] |", "|---|---|"]
    periods += [f"| `{name}` | {period(name, value)} |" for name, value in Retention().model_dump().items()]
    return _template("governance/record-of-processing.md", "## The record", read("processing"), periods)


def _template(page: str, first: str, paper: Paper, more: list[str]) -> str:
    made = MADE.format(f"`caretrace/papers/{paper.name}.toml`")
    lines = ["", f"{made} `caretrace officer papers` fills it from a project.", ""]
    for section in paper.sections:
        lines += [f"### {section.title}", "", *_table(section.rows), ""]
    return _after(page, first, [*lines, *more])


def _table(rows: tuple[Row, ...]) -> list[str]:
    head = ["| item | caretrace says, *looked up in the project* | to be filled |", "|---|---|---|"]
    return [*head, *(f"| {row.item} | {_said(row)} | {_asked(row)} |" for row in rows)]


def _said(row: Row) -> str:
    return " ".join([*([row.says] if row.says else []), *(f"*{KNOWN[name]}*." for name in row.facts)])


def _asked(row: Row) -> str:
    return f"**{row.by}**: {row.asks}" if row.asks else ""


def rules_page() -> str:
    """Every rule with its source, how sure that is, and when it is asked."""
    import governance.decide  # noqa: F401 - importing it makes sure that every rule is there
    from governance.rules.rule import PACK_VERSION, RULES

    lines = [
        "# The rules",
        "",
        MADE.format("the rules in `governance/rules`") + f" This is the set of {PACK_VERSION}. What each one does and",
        "does not do is said in [ig-guide.md](../ig-guide.md).",
        "",
        "*Source*: **verified** in the source named; **assumed**: known in the field, or a number of ours, and to be",
        "checked before you rely on it; **our own design**.",
        "",
        "| rule | version | what | asked | source | standing |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted(RULES):
        rule = RULES[name]
        cells = (rule.id, rule.version, rule.title, rule.scope.value, rule.citation, rule.standing.value)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def parts_page() -> str:
    """What caretrace needs to run, by the lock; licences and hashes stand in the bill that `make sbom` writes."""
    found = parts.parts(ROOT / "requirements.lock")
    names = parts.needed(found)
    lines = [
        "# Bill of materials",
        "",
        MADE.format("`requirements.lock`"),
        "`make sbom` writes the whole bill as CycloneDX 1.6, with hashes, licences and the tools of development;",
        "extras are in `requirements-all.lock` (`docs/parts.py sbom --lock requirements-all.lock --extra NAME`).",
        "",
        "| needed to run | version | where | asked for by |",
        "|---|---|---|---|",
    ]
    for part in sorted((each for each in found if each.name in names), key=lambda each: each.name):
        wanted = ", ".join(sorted(each for each in part.wanted_by if each.startswith("caretrace") or each in names))
        lines.append(f"| {part.name} | {part.version} | {part.marker or 'everywhere'} | {wanted} |")
    return "\n".join(lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "governance/hazard-log.md": hazard_page,
    "governance/dpia-template.md": dpia_page,
    "governance/record-of-processing.md": record_page,
    "governance/rules.md": rules_page,
    "governance/bill-of-materials.md": parts_page,
}


# --- What they point at ----------------------------------------------------------------------------------------------


def faults() -> list[str]:
    """What the papers point at and is not there, and where the guide's table of rules is not that of the rules."""
    return [*_missing_controls(), *_missing_words(), *_missing_files(), *_guide()]


def _missing_files() -> Iterator[str]:
    """Files that the security page names or links to."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:caretrace|governance|linkage|schemas|tests|docs|fixtures)/[^` ]+)`", text)
    for path in [*named, *re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text)]:
        if not (ROOT / path).exists():
            yield f"SECURITY.md: there is no {path}"


def _missing_controls() -> Iterator[str]:
    for hazard in hazards.read():
        texts = f"{hazard.found_by} {hazard.undone_by} {hazard.left_to_you}"
        named = [ref for control in hazard.controls for ref in control.shown_by]
        named += [each for each in re.findall(r"`([^`]+)`", texts) if "/" in each and not each.endswith("/")]
        for ref in named:
            path, _, test = ref.partition("::")
            if not (ROOT / path).is_file():
                yield f"{hazard.id}: there is no {path}"
            elif test and not re.search(rf"^def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE):
                yield f"{hazard.id}: there is no {test} in {path}"
        if not any("::" in ref for control in hazard.controls for ref in control.shown_by):
            yield f"{hazard.id}: no test shows any of its controls"


def _missing_words() -> Iterator[str]:
    """Sections of caretrace.toml, commands and rules that a paper names."""
    import typer

    from caretrace.cli.app import app
    from caretrace.project.settings import Settings
    from governance.rules.rule import RULES

    commands = typer.main.get_command(app)
    for paper in papers():
        text = " ".join(f"{row.says} {row.asks}" for section in paper.sections for row in section.rows)
        for name in re.findall(r"\[([a-z_]+)\](?! *[(])", text):
            if name not in Settings.model_fields and name != "assumed":
                yield f"{paper.name}: caretrace.toml has no [{name}]"
        for name in re.findall(r"\bR\d\d[a-z]?\b", text):
            if name not in RULES:
                yield f"{paper.name}: there is no rule {name}"
        for line in re.findall(r"`caretrace ([a-z -]+)`", text):
            command = commands
            for word in line.split():
                if word.startswith("-") or not hasattr(command, "commands"):
                    break
                if word not in command.commands:
                    yield f"{paper.name}: there is no command caretrace {line}"
                    break
                command = command.commands[word]


def _guide() -> Iterator[str]:
    """The guide's table names each rule once, in order, and says `assumed` where the rule does."""
    from governance.rules.rule import RULES, Standing

    rows = re.findall(
        r"^\| (R[0-9]{2}[a-z]?) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|", GUIDE.read_text("utf-8"), re.MULTILINE
    )
    if (named := [row[0] for row in rows]) != sorted(RULES):
        yield f"ig-guide.md: its table of rules has {len(named)} rows for {len(RULES)} rules, or another order"
    for name, *cells in rows:
        if name in RULES and RULES[name].standing is Standing.ASSUMED and "assumed" not in " ".join(cells).lower():
            yield f"ig-guide.md: {name} rests on something assumed, and the guide does not say so"
