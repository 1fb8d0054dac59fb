"""Secrets in files of the keys folder, each encrypted by a key of AWS KMS that never leaves it (extra `aws`).

CARETRACE_KMS_KEY names that key once, by its ARN; `keeper.json` remembers it. Who may ask is told as for any AWS
program (role of the machine, AWS_PROFILE, AWS_REGION). The role needs kms:Encrypt and kms:Decrypt on that key. What was
encrypted says, authenticated, which of our secrets it is, so that one file cannot be put in the place of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from governance.keys.in_files import InFiles
from schemas.errors import SettingsError

KEY_VARIABLE = "CARETRACE_KMS_KEY"
_SECONDS = 10


class UnderKms(InFiles):
    """The same files, each opened by the service."""

    ending = ".key.kms"
    _opened: ClassVar[dict[bytes, str]] = {}

    def __init__(self, folder: Path, about: Mapping[str, str]) -> None:
        super().__init__(folder)
        self.key = about["key"]

    @classmethod
    def place(cls, environ: Mapping[str, str]) -> dict[str, str]:
        """Which key encrypts new ones."""
        if not (key := environ.get(KEY_VARIABLE, "")):
            raise SettingsError(f"set {KEY_VARIABLE} to the ARN of the key that shall encrypt them")
        return {"key": key}

    def _open(self, path: Path, name: str) -> str:
        sealed = path.read_bytes()
        asked = hashlib.sha256(f"{self.key} {name} ".encode() + sealed).digest()
        if asked not in self._opened:
            self._opened[asked] = self._ask("Decrypt", name, CiphertextBlob=sealed)["Plaintext"].decode("ascii")
        return self._opened[asked]

    def _closed(self, text: str, name: str) -> bytes:
        return bytes(self._ask("Encrypt", name, Plaintext=text.encode())["CiphertextBlob"])

    def _ask(self, what: str, name: str, **given: bytes) -> Mapping[str, Any]:
        boto3, config, errors = _aws()
        try:
            client = boto3.client(
                "kms", region_name=_region(self.key), config=config(connect_timeout=_SECONDS, read_timeout=_SECONDS)
            )
            call = client.encrypt if what == "Encrypt" else client.decrypt
            found: Mapping[str, Any] = call(KeyId=self.key, EncryptionContext={"caretrace": name}, **given)
        except errors.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise SettingsError(
                f"AWS KMS refuses to {what.lower()} {name} ({code}); see the role's rights and the key's state"
            ) from None
        except errors.BotoCoreError as error:
            raise SettingsError(
                f"AWS KMS cannot be asked for {name} ({type(error).__name__}); see the network and AWS's settings"
            ) from None
        return found


def _region(key: str) -> str | None:
    """An ARN names its region; None leaves it to AWS's own settings."""
    parts = key.split(":")
    return parts[3] if len(parts) > 5 and parts[0] == "arn" else None


def _aws() -> tuple[Any, Any, Any]:
    try:
        boto3 = import_module("boto3")
    except ImportError:
        raise SettingsError("the keys are under AWS KMS, which needs a package: pip install 'caretrace[aws]'") from None
    return boto3, import_module("botocore.config").Config, import_module("botocore.exceptions")
