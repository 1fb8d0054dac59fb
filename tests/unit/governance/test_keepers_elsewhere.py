"""Keys kept by Vault (or OpenBao) and by AWS KMS.

AWS KMS is played by moto's server, another project's implementation of it, over HTTP. Vault is asked for real: the test
starts `bao` or `vault` where one is installed, and is skipped, saying so, where none is.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from governance import audit, keys
from governance.keys import at_rest, care, keeper, store
from governance.keys.secret_text import encoded
from schemas.errors import SettingsError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "caretrace-test-token"  # noqa: S105 - of a server that lives for this test


@pytest.fixture(scope="module")
def kms_server() -> Iterator[str]:
    pytest.importorskip("boto3")
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(kms_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of an AWS account, and the ARN of a key in it."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL_KMS": kms_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    arn = str(boto3.client("kms", region_name="eu-west-2").create_key()["KeyMetadata"]["Arn"])
    monkeypatch.setenv("CARETRACE_KMS_KEY", arn)
    return arn


@pytest.fixture(scope="module")
def vault_server() -> Iterator[str]:
    program = shutil.which("bao") or shutil.which("vault")
    if program is None:
        pytest.skip("neither `bao` (OpenBao) nor `vault` is installed: the keeper `vault` is not proven here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = ["server", "-dev", f"-dev-root-token-id={TOKEN}", f"-dev-listen-address={address}"]
    process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"http://{address}/v1/sys/health")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - our own server
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture(params=[keeper.AWS_KMS, pytest.param(keeper.VAULT, marks=pytest.mark.vault)])
def kept_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == keeper.AWS_KMS:
        request.getfixturevalue("aws")
    else:
        monkeypatch.setenv("VAULT_ADDR", request.getfixturevalue("vault_server"))
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    return str(request.param)


def test_keys_are_kept_given_back_and_never_overwritten(tmp_path: Path, kept_by: str) -> None:
    project, folder = tmp_path / "project", tmp_path / "keys"
    made = keys.create(folder, project=project, kept_by=kept_by)
    assert at_rest.make(project, folder, maker="a test", now=NOW) == 1
    again = keys.load(folder, project=project)
    assert (again.version, again.root) == (1, made.root)
    assert keeper.keeper(folder).names() == ["at-rest-1", "log-signing", "root-1"]
    store.write_root(folder, 2, b"2" * 32)
    assert (store.versions(folder), store.read_root(folder, 2)) == ([1, 2], b"2" * 32)
    with pytest.raises(SettingsError, match="never overwritten"):
        store.write_root(folder, 2, b"3" * 32)
    store.destroy_root(folder, 1)
    assert store.versions(folder) == [2]
    with pytest.raises(SettingsError, match=r"missing|no such key"):
        store.read_root(folder, 1)
    plain = encoded(b"2" * 32, "root-2").strip().encode()
    assert not any(plain in path.read_bytes() for path in folder.glob("*.*"))


def test_keys_move_there_and_back(tmp_path: Path, kept_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project, folder = tmp_path / "project", tmp_path / "keys"
    made = keys.create(folder, project=project)
    care.move(project, folder, kept_by, maker="a test", now=NOW)
    assert list(folder.glob("*.key")) == []
    # The folder remembers where they are, whatever the environment says next time.
    monkeypatch.setenv("CARETRACE_KMS_KEY", "")
    monkeypatch.setenv("CARETRACE_VAULT_PATH", "elsewhere/entirely")
    assert keys.load(folder, project=project).root == made.root
    before = keeper.keeper(folder)
    care.move(project, folder, keeper.FILES, maker="a test", now=NOW)
    assert (keys.load(folder, project=project).root, before.names()) == (made.root, [])
    moved = [
        e["body"]["to"] for e in audit.verify(project / "audit", keys_dir=folder).entries if e["type"] == care.MOVED
    ]
    assert moved == [kept_by, "files"]


@pytest.mark.vault
def test_the_keys_of_another_project_are_not_ended(
    tmp_path: Path, vault_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", vault_server)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.setenv("CARETRACE_VAULT_PATH", "secret/caretrace/shared")
    first = keys.create(tmp_path / "first", project=tmp_path / "project-1", kept_by=keeper.VAULT)
    project, folder = tmp_path / "project-2", tmp_path / "second"
    own = keys.create(folder, project=project)
    with pytest.raises(SettingsError, match="holds other keys at that place"):
        care.move(project, folder, keeper.VAULT, maker="a test", now=NOW)
    assert keys.load(folder, project=project).root == own.root
    assert keys.load(tmp_path / "first", project=tmp_path / "project-1").root == first.root


def test_one_file_under_kms_cannot_be_put_in_the_place_of_another(tmp_path: Path, aws: str) -> None:
    folder = tmp_path / "keys"
    keys.create(folder, project=tmp_path / "project", kept_by=keeper.AWS_KMS)
    store.write_root(folder, 2, b"2" * 32)
    (folder / "root-1.key.kms").write_bytes((folder / "root-2.key.kms").read_bytes())
    with pytest.raises(SettingsError, match=r"AWS KMS refuses to decrypt root-1 \(InvalidCiphertext"):
        store.read_root(folder, 1)


def test_a_key_of_kms_that_is_gone_and_a_service_that_is_away_are_told_in_a_sentence(
    tmp_path: Path, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, folder = tmp_path / "project", tmp_path / "keys"
    keys.create(folder, project=project, kept_by=keeper.AWS_KMS)
    keeper.UnderKms._opened.clear()
    named = folder / "keeper.json"
    named.write_text(named.read_text("utf-8").replace(aws, f"{aws[:-4]}0000"), "utf-8")
    with pytest.raises(SettingsError, match=r"refuses to decrypt .* \(\w+\); see the role's rights") as refused:
        keys.load(folder, project=project)
    assert "caretrace-root-key" not in str(refused.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    with pytest.raises(SettingsError, match=r"cannot be asked for .* \(EndpointConnectionError\)"):
        keys.load(folder, project=project)


@pytest.mark.parametrize(
    ("kept_by", "environment", "said"),
    [
        (keeper.AWS_KMS, {"CARETRACE_KMS_KEY": ""}, "set CARETRACE_KMS_KEY to the ARN"),
        (keeper.VAULT, {"VAULT_ADDR": ""}, "set VAULT_ADDR"),
        (keeper.VAULT, {"VAULT_ADDR": "http://vault.example.internal:8200"}, "is not https"),
        (keeper.VAULT, {"VAULT_ADDR": "http://127.0.0.1:9"}, r"cannot be asked \(ConnectionError\)"),
        (keeper.VAULT, {"VAULT_ADDR": "https://x", "CARETRACE_VAULT_PATH": "secret"}, "an engine and a path in it"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_kept(
    tmp_path: Path, kept_by: str, environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hvac")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    project, folder = tmp_path / "project", tmp_path / "keys"
    made = keys.create(folder, project=project)
    with pytest.raises(SettingsError, match=said):
        care.move(project, folder, kept_by, maker="a test", now=NOW)
    assert keys.load(folder, project=project).root == made.root


@pytest.mark.parametrize(
    ("kept_by", "package", "extra"), [(keeper.AWS_KMS, "boto3", "aws"), (keeper.VAULT, "hvac", "vault")]
)
def test_a_package_that_is_not_installed_is_named(
    tmp_path: Path, kept_by: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("CARETRACE_KMS_KEY", "alias/caretrace")
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.internal")
    with pytest.raises(SettingsError, match=rf"pip install 'caretrace\[{extra}\]'"):
        keys.create(tmp_path / "keys", project=tmp_path / "project", kept_by=kept_by)
