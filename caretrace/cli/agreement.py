"""`caretrace agreement new|check|show|key|sign`."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    pass

app = typer.Typer(help="Write, sign and check the agreements that data leaves under.", no_args_is_help=True)

AgreementArgument = Annotated[Path, typer.Argument(metavar="AGREEMENT.toml", help="The agreement's file.")]
KeyOption = Annotated[Path, typer.Option("--key", metavar="FILE", help="The file of your own signing key.")]
PASSPHRASE_FILE = "CARETRACE_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable, not a secret


@app.command("new")
def new(
    path: AgreementArgument,
    kind: Annotated[str, typer.Option(help="direct-care, commissioning, research or publication.")] = "commissioning",
) -> None:
    """Begin an agreement from a template; what is to be filled in says so, and `check` lists what is left."""
    from governance.agreement import templates

    templates.begin(path, kind, today=_today())
    console.say(f"{path}: fill in what says '{templates.BLANK}', then run: caretrace agreement check {path}")


@app.command("check")
def check(path: AgreementArgument, project: ProjectOption = None) -> None:
    """Say what stands against the agreement itself, before there is any data. Exit code 3 where it would be refused."""
    from governance.agreement import load, summary
    from governance.release import past

    place = find(project)
    # Said first: a file that is filled in half may not be one that can be taken at all.
    for each in summary.left(path):
        console.say(f"  to do: {each}")
    found = load(path)
    against = summary.against(found, past(place.project.root, place.keys_dir), today=_today())
    if against.reasons:
        from schemas.errors import Refused

        raise Refused(f"{path}: no release could be made under this agreement today:", against.reasons)
    console.say(f"{path}: nothing stands against it; what depends on the data is asked by `caretrace release plan`")


@app.command("show")
def show(path: AgreementArgument) -> None:
    """Print what the agreement says in plain words, who has signed it, and the fingerprints of their keys."""
    from governance.agreement import load, summary

    console.say(summary.text(load(path)))


@app.command("key")
def key(path: Annotated[Path, typer.Argument(metavar="FILE", help="Where your key is to be kept.")]) -> None:
    """Make your own signing key, protected by a passphrase, and print the public line that agreements name you by."""
    from governance.agreement import keyfile, signing

    made = keyfile.create(path, passphrase(confirm=True))
    public = signing.public_text(made)
    console.say(public)
    console.tell(f"fingerprint, to read out over the telephone: {signing.fingerprint(public)}")


@app.command("sign")
def sign(path: AgreementArgument, key: KeyOption) -> None:
    """Sign the agreement as it stands, with your own key; any later change needs new signatures."""
    from governance.agreement import keyfile, reading, signing

    data = reading.read(path)
    agreement = reading.parse(path, data)
    made = signing.sign(agreement, path, data, keyfile.load(key, passphrase()), today=_today())
    console.say(f"signed: {made}")


@app.command("record-key")
def record_key(
    organisation: Annotated[str, typer.Option(metavar="CODE", help="ODS code of the organisation.")],
    role: Annotated[str, typer.Option(metavar="ROLE", help="The role, as agreements write it.")],
    public: Annotated[str, typer.Option("--public", metavar="KEY", help="The new public line, ed25519:...")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it changed, and how you made sure.")],
    project: ProjectOption = None,
) -> None:
    """Put a signatory's new key on record, after asking them: until then rule R03 refers what is signed with it."""
    from datetime import UTC, datetime

    from caretrace.cli.place import maker
    from governance import after
    from governance.agreement.signing import fingerprint

    place = find(project)
    about = {"organisation": organisation, "role": role, "key": public, "reason": reason}
    after.signer(place.project.root, place.keys_dir, **about, maker=maker(), now=datetime.now(UTC))
    console.say(f"recorded for the {role} of {organisation}: {fingerprint(public)}")


def passphrase(*, confirm: bool = False) -> str:
    """From the file that CARETRACE_PASSPHRASE_FILE names, else asked for."""
    if given := os.environ.get(PASSPHRASE_FILE):
        try:
            return Path(given).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise InputError(f"the file that {PASSPHRASE_FILE} names cannot be read", path=Path(given)) from None
    if not console.interactive():
        raise SettingsError(f"a passphrase is needed and nobody can be asked; set {PASSPHRASE_FILE} to a file with it")
    text: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return text


def _today() -> date:
    return date.today()  # noqa: DTZ011 - agreements hold by the calendar where they are used
