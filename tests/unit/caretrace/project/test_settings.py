"""caretrace.toml: what it may say, and the one sentence where it says something else."""

import re
from datetime import date
from pathlib import Path

import pytest

from caretrace.project import Project, making, settings, template
from schemas.errors import InputError, SettingsError

TWO = """
[[source]]
name = "clients"
side = "clients"
[[source]]
name = "gp"
side = "register"
"""


def load(folder: Path, text: str) -> settings.Settings:
    (folder / "caretrace.toml").write_text(text, encoding="utf-8")
    return settings.load(Project(folder))


def test_the_template_is_read_and_says_what_is_usual(tmp_path: Path) -> None:
    found = load(tmp_path, template.TOML)
    usual = load(tmp_path, TWO)
    assert found.match == usual.match
    assert found.retrain == usual.retrain
    assert found.load_back == usual.load_back
    assert found.resources == usual.resources
    assert found.source[0].hold == usual.source[0].hold


def test_every_key_in_a_comment_of_the_template_is_one(tmp_path: Path) -> None:
    """What is switched off by a # works when it is switched on."""
    switched = [re.sub(r"^# (?=\[[a-z_.]+\]$|[a-z_]+ = )", "", line) for line in template.TOML.splitlines()]
    text = "\n".join(switched)
    assert "fewest = 1000" in switched
    found = load(tmp_path, text)
    assert found.source[0].hold.fewest == 1000
    assert found.targets.postgres is not None
    assert found.agreements.files == (tmp_path / "agreements" / "warehouse.toml",)
    assert found.schedule == {"clients": 1, "register": 7}
    assert found.resources.threads == 4
    assert found.at_rest.encrypt


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no [[source]] says where deliveries come from"),
        ("# Written by `caretrace demo`\n", "no [[source]] says where deliveries come from"),
        ("[[source]\n", "is not valid TOML"),
        (TWO.replace("gp", "clients"), "two of [[source]] are called clients"),
        (TWO.replace('"register"', '"clients"'), 'no [[source]] has side = "register"'),
        (TWO.replace('"gp"', '"GP feed"'), "source GP feed, key name"),
        (TWO + 'feed = "weekly"', "source gp, key feed: Input should be 'full', 'delta' or 'auto'"),
        (TWO + 'format = "oracle"', "source gp: the format 'oracle' is not known; it is one of standard"),
        (TWO + 'feed = "full"\nfull_names = "*"', "source gp: full_names goes with feed"),
        (TWO + "[source.hold]\nrejected = 5", "source gp, key hold.rejected: Input should be less than or equal to 1"),
        (TWO + "[source.hold]\nrejectd = 0.1", "source gp, key hold.rejectd: there is no such key"),
        (TWO + "[match]\nwrong_link = 0.1", "match, key wrong_link: there is no such key"),
        (TWO + '[match]\nnumberless = "never"', "match, key numberless: Input should be"),
        (TWO + "[schedule]\ngps = 3", "schedule: there is no source gps; it is one of clients, gp"),
        (TWO + "[schedule]\ngp = 0", "schedule, key gp: Input should be greater than or equal to 1"),
        (TWO + '[resources]\nmemory = "lots"', "resources, key memory"),
        (TWO + '[targets.postgres]\nconnection = "x"\npassword = "y"', "a password never stands in this file"),
        (TWO + '[targets.postgres]\nhost = "x"', "targets, key postgres.connection: Field required"),
        (TWO + 'folder = "in/clients"', "source clients and source gp have one inbox"),
        (TWO + 'folder = "in/../in/clients/"', "source clients and source gp have one inbox"),
        (TWO + 'folder = "in"', "the inbox of source clients lies within that of source gp"),
        (TWO + 'folder = "in/clients/gp"', "the inbox of source gp lies within that of source clients"),
        (TWO + "[nightly]\nx = 1", "nightly: there is no such key"),
        ('source = "in"', "source: Input should be"),
        ("source = [3]", "source 1: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'caretrace.toml'}: ")
    assert "\n" not in str(caught.value)


def test_no_file_and_no_text_are_said_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file; `caretrace init`"):
        settings.load(Project(tmp_path))
    (tmp_path / "caretrace.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        settings.load(Project(tmp_path))


def test_a_mark_before_the_text_is_let_pass(tmp_path: Path) -> None:
    (tmp_path / "caretrace.toml").write_bytes(b"\xef\xbb\xbf" + TWO.encode())
    assert len(settings.load(Project(tmp_path)).source) == 2


def test_paths_are_meant_from_the_project_unless_they_are_whole(tmp_path: Path) -> None:
    elsewhere = (tmp_path / "elsewhere").resolve()
    found = load(tmp_path, TWO + f'folder = "{elsewhere.as_posix()}"\nmapping = "own.toml"')
    project = Project(tmp_path)
    clients, gp = found.source
    assert found.inbox(project, clients) == tmp_path / "in" / "clients"
    assert found.inbox(project, gp) == elsewhere
    assert gp.mapping == tmp_path / "own.toml"


def test_an_inbox_of_a_source_that_has_ended_may_be_anothers(tmp_path: Path) -> None:
    assert len(load(tmp_path, TWO + 'folder = "in/clients"\nended = true').source) == 2
    assert len(load(tmp_path, TWO + 'folder = "in/clients-of-gp"').source) == 2


def test_a_run_is_told_what_the_file_says(tmp_path: Path) -> None:
    found = load(tmp_path, TWO + '[match]\nwrong_links = 0.01\nseed = 7\n[load_back]\ndead = "leave-out"')
    made = found.for_pipeline(as_at=date(2026, 11, 22))
    assert (made.seed, made.linkage.target.wrong_links, made.outputs.dead) == (7, 0.01, "leave-out")


def test_a_new_project_is_empty_and_complete(tmp_path: Path) -> None:
    project = making.make(tmp_path / "new")
    assert settings.load(project).source[0].name == "clients"
    assert sorted(path.name for path in project.inboxes.iterdir()) == ["clients", "register"]
    assert not any(any(path.iterdir()) for path in project.inboxes.iterdir())


def test_a_project_is_never_made_over_another(tmp_path: Path) -> None:
    making.make(tmp_path)
    before = (tmp_path / "caretrace.toml").read_bytes()
    with pytest.raises(InputError, match="there is a project already"):
        making.make(tmp_path)
    assert (tmp_path / "caretrace.toml").read_bytes() == before


def test_the_example_wants_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(InputError, match="is not empty"):
        making.make(tmp_path, example=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(InputError, match="is a file"):
        making.make(tmp_path / "letter.txt")
