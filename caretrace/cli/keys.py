"""`caretrace keys new|list|at-rest|rotate|move|escrow|restore|destroy`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find, maker
from schemas.errors import SettingsError

app = typer.Typer(help="The secrets that pseudonyms and the log depend on.", no_args_is_help=True)

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the log; name nobody in care.")]


class KeptBy(StrEnum):
    """Who keeps the secrets."""

    FILES = "files"
    PASSPHRASE = "passphrase"  # noqa: S105 - a keeper
    KEYRING = "keyring"
    VAULT = "vault"
    AWS_KMS = "aws-kms"


@app.command("new")
def new(
    project: ProjectOption = None,
    kept_by: Annotated[
        KeptBy,
        typer.Option(
            help="Plain files, files under CARETRACE_KEYS_PASSPHRASE, the system's keyring, Vault, or AWS KMS."
        ),
    ] = KeptBy.FILES,
) -> None:
    """Make the keys, once, where CARETRACE_KEYS says or in your configuration folder; never inside the project."""
    from governance import keys

    place = find(project)
    made = keys.create(place.keys_dir, project=place.project.root, kept_by=kept_by.value)
    console.say(f"keys, version {made.version}: {made.folder}; back this folder up as you would any secret")


@app.command("list")
def list_(
    project: ProjectOption = None, as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False
) -> None:
    """Print every version of the root key as CSV, after checking the log: its state, its releases, its custodians."""
    from caretrace.cli.table import as_csv
    from governance import audit
    from governance.audit.verification import CHECKPOINT, LOG
    from governance.keys import care

    place = find(project)
    # Before the first release there are keys and no log.
    logged = any((place.project.audit / name).exists() for name in (LOG, CHECKPOINT))
    entries = audit.verify(place.project.audit, keys_dir=place.keys_dir).entries if logged else ()
    rows = care.listed(place.keys_dir, list(entries))
    console.say(json.dumps(rows, indent=2) if as_json else as_csv(care.COLUMNS, rows))


@app.command("at-rest")
def at_rest(project: ProjectOption = None) -> None:
    """Make the key for data at rest, or a new version of it: the project's files are encrypted with the newest."""
    from governance.keys import at_rest as own

    place = find(project)
    version = own.make(place.project.root, place.keys_dir, maker=maker(), now=datetime.now(UTC))
    console.say(
        f"key for data at rest, version {version}: without it nothing encrypted can be read again, so make an escrow"
        " copy now (`caretrace keys escrow`); older versions are kept, to read what they closed"
    )


@app.command("rotate")
def rotate(reason: ReasonOption, project: ProjectOption = None) -> None:
    """Make a new root key. Agreements with pseudonyms then need a new epoch before their next release (rule R30)."""
    from governance.keys import care

    place = find(project)
    version = care.rotate(place.project.root, place.keys_dir, reason=reason, maker=maker(), now=datetime.now(UTC))
    console.say(
        f"version {version} is in use: give each agreement with pseudonyms a new epoch and have it signed again;"
        " the old key is kept until `caretrace keys destroy`"
    )


@app.command("move")
def move(
    to: Annotated[KeptBy, typer.Option(help="Who keeps them from now on.")],
    project: ProjectOption = None,
) -> None:
    """Give the keys to another keeper: files, a passphrase, the system's keyring, Vault or OpenBao, or AWS KMS."""
    from governance.keys import care

    place = find(project)
    versions = care.move(place.project.root, place.keys_dir, to.value, maker=maker(), now=datetime.now(UTC))
    console.say(f"root keys {', '.join(map(str, versions))} and the log's key are with: {to.value}")


@app.command("escrow")
def escrow(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The copy to write; not inside the project.")],
    to: Annotated[list[str], typer.Option(metavar="AGE_KEY", help="A custodian's public key, age1...; two or more.")],
    project: ProjectOption = None,
) -> None:
    """Write an encrypted copy of all keys that each of the custodians can open alone; make one after each rotation."""
    from governance.keys import care

    place = find(project)
    prints = care.escrow(place.project.root, place.keys_dir, out, to, maker=maker(), now=datetime.now(UTC))
    console.say(f"{out}: for {len(prints)} custodians, with the keys {'; '.join(prints)}")


@app.command("restore")
def restore(
    copy: Annotated[Path, typer.Argument(metavar="FILE", help="The escrow copy.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="A custodian's age identity.")],
    project: ProjectOption = None,
) -> None:
    """Put the keys of an escrow copy into an empty keys folder, where they were lost."""
    from governance.keys import care

    place = find(project)
    made = care.restore(place.project.root, place.keys_dir, copy, key)
    console.say(f"{place.keys_dir}: root keys {', '.join(map(str, made))}; now run `caretrace audit verify`")


@app.command("destroy")
def destroy(
    version: Annotated[int, typer.Argument(min=1, help="The version, as `keys list` prints it.")],
    reason: ReasonOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project: ProjectOption = None,
) -> None:
    """Destroy an old root key for good: nobody here can make or check its pseudonyms again."""
    from governance.keys import care

    place = find(project)
    if not yes:
        if not console.interactive():
            raise SettingsError("this cannot be undone and nobody can be asked; give --yes")
        typer.confirm(f"Destroy root key {version}? This cannot be undone.", abort=True, err=True)
    care.destroy(place.project.root, place.keys_dir, version, reason=reason, maker=maker(), now=datetime.now(UTC))
    console.say(f"root key {version} is destroyed; have its custodians destroy their escrow copies as well")
