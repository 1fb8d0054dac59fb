"""What a command loads before it begins: its own words, and no library that it has no use for."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

import caretrace
from caretrace.cli.app import app
from caretrace.cli.commands import declare

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def _words(command: object) -> object:
    """Everything a command says of itself and of those below it."""
    below = getattr(command, "commands", {})
    options = [(each.name, each.opts, getattr(each, "help", "")) for each in command.params]  # type: ignore[attr-defined]
    return command.name, command.help, options, [_words(each) for each in below.values()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_declared_alone_says_the_same(name: str) -> None:
    alone = typer.main.get_command(declare(only=name)).commands  # type: ignore[attr-defined]
    assert list(alone) == [name]
    assert _words(alone[name]) == _words(COMMANDS[name])


@pytest.mark.parametrize("only", [None, "--help", "lnik"])
def test_without_a_command_all_are_declared(only: str | None) -> None:
    assert list(typer.main.get_command(declare(only=only)).commands) == list(COMMANDS)  # type: ignore[attr-defined]


def _loaded(script: str, environment: dict[str, str]) -> set[str]:
    """The modules loaded once `script` has run in a process of its own."""
    script += "\nimport sys\nprint('LOADED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.partition("LOADED ")[2].split())


def test_the_package_loads_little_and_the_rest_when_asked(environment: dict[str, str]) -> None:
    bare = _loaded("import caretrace", environment)
    assert not bare & {"duckdb", "numpy", "pyarrow", "linkage.engine", "connectors.read"}
    assert "linkage.engine" in _loaded("from caretrace import link", environment)


def test_the_version_is_told_without_any_command(environment: dict[str, str]) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "caretrace", "--version"], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == f"caretrace {caretrace.__version__}\n"
    loaded = _loaded("from caretrace.cli import main; main(['--version'])", environment)
    assert "caretrace.cli.commands" in loaded
    assert not loaded & {"duckdb", "numpy", "pyarrow", "caretrace.api"}


GONE = "plain text gone"
ENDS = """
import atexit, gc, sys, threading
from caretrace import cli

class Left:
    def __del__(self):
        print("taken apart")

def main():
    atexit.register(lambda: print("seldom" if gc.get_threshold()[0] > 10_000 else "often"))
    threading.Thread(target=lambda: (threading.main_thread().join(), print("thread"))).start()
    return command()

left, command, cli.main, cli.at_rest.close = Left(), cli.main, main, lambda: print({gone!r})
sys.argv[1:] = [{argument!r}]
cli.{door}
"""


@pytest.mark.parametrize(
    ("door", "argument", "code", "said"),
    [
        ("process()", "--version", 0, [f"caretrace {caretrace.__version__}", GONE, "thread", "seldom", GONE]),
        ("process()", "lnik", 2, [GONE, "thread", "seldom", GONE]),
        ("main()", "--version", 0, [f"caretrace {caretrace.__version__}", GONE, "thread", "often", "taken apart"]),
    ],
)
def test_a_process_of_our_own_ends_when_all_is_done_and_at_once(
    environment: dict[str, str], door: str, argument: str, code: int, said: list[str]
) -> None:
    """Threads have ended, what was registered for the end was called, plain text is gone; Python is not taken apart."""
    script = ENDS.format(door=door, argument=argument, gone=GONE)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (code, said), done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_result_that_could_not_be_written_is_no_success(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "caretrace", "--version"], env=environment, stdout=full, check=False
        )
    assert done.returncode != 0


def test_nothing_is_said_at_the_end_of_a_process(people: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """DuckDB's binding complains of what is left when Python ends; a monitor would take that for a fault of the run."""
    lists = [str(people / "clients.csv"), str(people / "register.csv")]
    command = [sys.executable, "-m", "caretrace", "link", *lists, "--out", str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_every_public_name_is_there() -> None:
    assert all(getattr(caretrace, name) is not None for name in caretrace.__all__)
    assert set(caretrace.__all__) <= set(dir(caretrace))
    with pytest.raises(AttributeError, match="no attribute 'lnik'"):
        caretrace.lnik  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("command", ["check {clients}", "link {clients} {register} --out {out}"])
def test_what_reads_extracts_never_loads_pandas(
    people: Path, tmp_path: Path, environment: dict[str, str], command: str
) -> None:
    places = {"clients": people / "clients.csv", "register": people / "register.csv", "out": tmp_path / "run"}
    arguments = [word.format(**places) for word in command.split()]
    script = f"from caretrace.cli import main\nassert main({arguments!r}) == 0"
    assert "pandas" not in _loaded(script, environment)


def test_whoever_asks_for_pandas_later_has_it(environment: dict[str, str]) -> None:
    frame = "from caretrace.cli.no_pandas import look_without_pandas\nlook_without_pandas()\nimport pyarrow as pa\n"
    frame += "import pandas as pd\nassert pa.table({'a': [1]}).to_pandas()['a'].sum() == 1\n"
    frame += "assert pa.Table.from_pandas(pd.DataFrame({'a': [1, None]}))['a'].null_count == 1\n"
    assert "pandas" in _loaded(frame, environment)
