"""Secrets in HashiCorp Vault or OpenBao, in the key-value engine of version 2 (extra `vault`).

The server is told by the variables that its own program uses: VAULT_ADDR, VAULT_TOKEN (or ~/.vault-token),
VAULT_CACERT, VAULT_NAMESPACE. CARETRACE_VAULT_PATH says below which path of which engine they are put, as
`secret/caretrace/council`; `keeper.json` remembers it. The token needs create and read on that path's data, list and
delete on its metadata.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from governance.keys.secret_text import NAME, decoded, encoded
from schemas.errors import SettingsError

PATH_VARIABLE = "CARETRACE_VAULT_PATH"
_ADDRESS = "VAULT_ADDR"
_FIELD = "secret"
_SECONDS = 10
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


class InVault:
    """One secret of the engine for each of ours."""

    _read: ClassVar[dict[bytes, str]] = {}

    def __init__(self, about: Mapping[str, str]) -> None:
        self.mount, self.path = about["mount"], about["path"]

    @classmethod
    def place(cls, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
        """Where new ones are put; the keys folder tells several projects apart where nobody says."""
        given = environ.get(PATH_VARIABLE, "").strip("/")
        usual = f"secret/caretrace/{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
        mount, _, path = (given or usual).partition("/")
        if not path:
            raise SettingsError(f"{PATH_VARIABLE} names an engine and a path in it, as secret/caretrace/council")
        return {"mount": mount, "path": path}

    def names(self) -> list[str]:
        """What it holds."""
        with _asked(self._where()) as engine:
            try:
                found = engine.list_secrets(self.path, mount_point=self.mount)["data"]["keys"]
            except _errors().InvalidPath:
                return []
        return sorted(name for name in found if NAME.fullmatch(name))

    def read(self, name: str) -> bytes:
        """The secret."""
        where, known = self._where(name), self._known(name)
        if known not in self._read:
            with _asked(where) as engine:
                try:
                    found = engine.read_secret_version(
                        f"{self.path}/{name}", mount_point=self.mount, raise_on_deleted_version=True
                    )
                except _errors().InvalidPath:
                    raise SettingsError(f"{where} holds no such key; is it the server that was given it?") from None
            self._read[known] = str(found["data"]["data"].get(_FIELD))
        return decoded(self._read[known], name, where)

    def write(self, name: str, secret: bytes) -> None:
        """Keep it."""
        where = self._where(name)
        with _asked(where) as engine:
            try:
                # cas=0: the server itself refuses where there is one.
                engine.create_or_update_secret(
                    f"{self.path}/{name}", {_FIELD: encoded(secret, name).strip()}, cas=0, mount_point=self.mount
                )
            except _errors().InvalidRequest:
                raise SettingsError(
                    f"{where} takes no new key: it holds one already, which is never overwritten, or is no key-value"
                    " engine of version 2"
                ) from None

    def destroy(self, name: str) -> None:
        """Remove all versions of it; what the server's own backups keep is the server's."""
        self._read.pop(self._known(name), None)
        try:
            with _asked(self._where(name)) as engine:
                engine.delete_metadata_and_all_versions(f"{self.path}/{name}", mount_point=self.mount)
        except SettingsError as error:
            raise OSError(0, str(error)) from None

    def _where(self, name: str = "") -> str:
        return f"Vault ({self.mount}/{self.path}{'/' * bool(name)}{name})"

    def _known(self, name: str) -> bytes:
        """What a secret was asked by, in this process; a command may need one for each of many files."""
        asked = (os.environ.get(_ADDRESS), os.environ.get("VAULT_TOKEN"), os.environ.get("VAULT_NAMESPACE"))
        return hashlib.sha256(repr((asked, self.mount, self.path, name)).encode()).digest()


@contextmanager
def _asked(where: str) -> Iterator[Any]:
    """The engine; whatever it or the way to it fails with is told by its kind alone, for its words may hold more."""
    client = _client()
    try:
        yield client.secrets.kv.v2
    except (_errors().VaultError, import_module("requests").RequestException) as error:
        raise SettingsError(
            f"{where} cannot be asked ({type(error).__name__}); see VAULT_ADDR, VAULT_TOKEN and the token's policy"
        ) from None


def _client() -> Any:
    hvac = _hvac()
    address = os.environ.get(_ADDRESS, "")
    if not address:
        raise SettingsError(f"the keys are in Vault; set {_ADDRESS} to its address")
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        raise SettingsError(f"{_ADDRESS} is not https, so keys would go through the network in plain")
    return hvac.Client(url=address, namespace=os.environ.get("VAULT_NAMESPACE"), timeout=_SECONDS)


def _hvac() -> Any:
    try:
        return import_module("hvac")
    except ImportError:
        raise SettingsError("the keys are in Vault, which needs a package: pip install 'caretrace[vault]'") from None


def _errors() -> Any:
    return _hvac().exceptions
