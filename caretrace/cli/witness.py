"""`caretrace audit witness key|ask|sign|keep`: a second organisation cosigns the log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console
from caretrace.cli.agreement import KeyOption, passphrase
from caretrace.cli.place import Place, ProjectOption, find
from schemas.errors import InputError

app = typer.Typer(help="Have a second organisation cosign the log, or cosign another's.", no_args_is_help=True)

RequestArgument = Annotated[Path, typer.Argument(metavar="REQUEST", help="What `ask` wrote.")]
NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="Such as partner.example/witness; no spaces.")]
ToOption = Annotated[Path, typer.Option("--to", metavar="FILE", help="A new file to write to.")]


@app.command("key")
def public_key(key: KeyOption, name: NameOption) -> None:
    """Print the public line of a witness, for the log's owner and auditors; `agreement key` makes the key."""
    from governance.agreement import keyfile
    from governance.audit.witness import Witness

    console.say(str(Witness.of(name, keyfile.load(key, passphrase()))))


@app.command("ask")
def ask(
    to: ToOption,
    since: Annotated[
        int | None, typer.Option(metavar="N", help="Entries the witness saw last; if not given, by what is kept here.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Write a request to cosign this project's log: a size and hashes, no entry. Send it to the witness."""
    from governance import audit
    from governance.audit import witness

    place = find(project)
    found = audit.examine(place.project.audit, keys_dir=place.keys_dir)
    _write(to, witness.ask(place.project.audit, found, since=since))
    console.say(f"written: {to}; the witness also needs {place.project.audit / audit.VKEY}, once")


@app.command("sign")
def sign(
    request: RequestArgument,
    key: KeyOption,
    name: NameOption,
    log: Annotated[Path, typer.Option("--log", metavar="FILE", help="The log's public key, as you first had it.")],
    to: ToOption,
) -> None:
    """Cosign another organisation's log, after checking that nothing was taken out of it since you last did."""
    from governance.agreement import keyfile
    from governance.audit import witness
    from governance.audit.checkpoint import Verifier

    _refuse_existing(to)
    secret = keyfile.load(key, passphrase())
    seen = key.with_name(f"{key.name}.witnessed.json")
    verifier = Verifier.parse(_read(log))
    line = witness.cosign(_read(request), verifier, name, secret, seen, now=datetime.now(UTC))
    _write(to, line)
    console.say(f"cosigned: {to}; what you saw is remembered in {seen}")


@app.command("keep")
def keep(
    request: RequestArgument,
    answer: Annotated[Path, typer.Argument(metavar="ANSWER", help="What the witness sent back.")],
    key: Annotated[Path, typer.Option("--witness", metavar="FILE", help="The witness's public line.")],
    project: ProjectOption = None,
) -> None:
    """Check a witness's answer and keep it beside the log."""
    from governance import audit
    from governance.audit import witness

    place = find(project)
    found = audit.examine(place.project.audit, keys_dir=place.keys_dir)
    who = witness.Witness.parse(_read(key))
    console.say(f"kept: {witness.keep(place.project.audit, found, _read(request), _read(answer), who)}")


def cosigned(place: Place, key: Path) -> tuple[str, int, datetime]:
    """Who cosigned how many entries last, and when."""
    from governance import audit
    from governance.audit import witness

    who = witness.Witness.parse(_read(key))
    found = audit.examine(place.project.audit, keys_dir=place.keys_dir)
    return (who.name, *witness.newest(place.project.audit, found, who))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read", path=path) from None


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise InputError("exists already; choose a new file", path=path)


def _write(path: Path, text: str) -> None:
    from governance.files import write_durably

    _refuse_existing(path)
    try:
        write_durably(path, text.encode())
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", path=path) from None
