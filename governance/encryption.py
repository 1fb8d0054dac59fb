"""Files that only their recipient can read: age (age-encryption.org/v1) to the recipient's registered public keys.

A release is written through here and nowhere else, so that its data never stands in the release folder as plain text.
What is larger than memory should hold waits in a temporary file without a name, which is gone when the block ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from governance.files import owner_only, write_durably
from schemas.errors import InputError, IntegrityFailure, SettingsError

if TYPE_CHECKING:
    import pyrage

ENDING = ".age"
_IN_MEMORY = 64 * 2**20
"""Bytes of plain text held in memory before the rest goes to the nameless file."""


def is_public_key(text: str) -> bool:
    """Whether `text` is an age public key of the usual kind (X25519)."""
    try:
        _recipient(text)
    except SettingsError:
        return False
    return True


def _recipient(text: str) -> pyrage.x25519.Recipient:
    import pyrage

    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise SettingsError("an encryption key is no age public key (age1...)") from None


def write(path: Path, fill: Callable[[IO[bytes]], object], public_keys: Sequence[str]) -> None:
    """Encrypt what `fill` writes to all of `public_keys` in the file `path`.

    SettingsError without any key: nothing is ever written in plain text instead.
    """
    recipients = [_recipient(key) for key in public_keys]
    if not recipients:
        raise SettingsError("there is no public key to encrypt to")
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, mode="w+b", dir=str(_spool(path))) as spool:
        plain = cast("IO[bytes]", spool)
        fill(plain)
        plain.seek(0)
        with path.open("xb") as file:
            _encrypt(plain, file, recipients)


def _spool(path: Path) -> Path:
    """Where plain text on its way to `path` may stand: beside it, or in the workshop where the project wants that."""
    # Imported here: at_rest encrypts with this module.
    from governance.at_rest import workshop
    from governance.at_rest.rule import rule_for

    rule = rule_for(path)
    return workshop.place(rule) if rule.encrypt else path.parent


def write_stream(path: Path, plain: IO[bytes], public_keys: Sequence[str]) -> None:
    """Encrypt what `plain` gives, as it gives it, to all of `public_keys` in the new file `path`.

    Nothing of it stands anywhere as plain text. SettingsError without any key.
    """
    recipients = [_recipient(key) for key in public_keys]
    if not recipients:
        raise SettingsError("there is no public key to encrypt to")
    with path.open("xb") as file:
        _encrypt(plain, file, recipients)


def _encrypt(plain: IO[bytes], file: IO[bytes], recipients: Sequence[pyrage.x25519.Recipient]) -> None:
    import pyrage

    watched = _Watched(plain), _Watched(file)
    try:
        pyrage.encrypt_io(*watched, recipients)
    except BaseException:
        _raise_own(*watched)
        raise


class _Watched:
    """A file that keeps what it failed of, such as a full disk: out of pyrage that comes as words alone."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.failed: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except BaseException as error:
            self.failed = error
            raise

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except BaseException as error:
            self.failed = error
            raise

    def flush(self) -> None:
        try:
            self._file.flush()
        except BaseException as error:
            self.failed = error
            raise


def _raise_own(*watched: _Watched) -> None:
    for each in watched:
        if each.failed:
            raise each.failed from None


def encrypted(secret: bytes, public_key: str) -> bytes:
    """A short secret, encrypted to one public key."""
    import pyrage

    return bytes(pyrage.encrypt(secret, [_recipient(public_key)]))


def decrypted(secret: bytes, identity: Path, *, what: str, path: Path) -> bytes:
    """The opposite, with the identity in a file; SettingsError, which says `what`, where it is not the right one."""
    import pyrage

    try:
        return bytes(pyrage.decrypt(secret, [_identity(identity)]))
    except pyrage.DecryptError as error:
        if "matching keys" in str(error):
            raise SettingsError(f"{path}: {what}, whose key is not the one in {identity}") from None
        raise IntegrityFailure(f"{path}: altered or cut short") from None


def fingerprint(public_key: str) -> str:
    """Sixteen hex digits that tell public keys apart, as they stand in the log."""
    digest = sha256(public_key.encode()).hexdigest()[:16]
    return " ".join(digest[at : at + 4] for at in range(0, 16, 4))


def read(path: Path, identity: Path, fill: IO[bytes]) -> str:
    """Decrypt `path` with the identity in the file `identity` into `fill`; gives the SHA-256 of the plain text.

    SettingsError where it is encrypted to other keys, IntegrityFailure where it was altered or cut short.
    """
    try:
        return _read(path, [_identity(identity)], fill)
    except WrongKey:
        raise SettingsError(f"{path}: not encrypted to the key in {identity}") from None


def read_with(path: Path, secrets: Sequence[str], fill: IO[bytes]) -> str:
    """As `read`, with age secrets that are at hand; WrongKey where none of them opens it."""
    import pyrage

    return _read(path, [pyrage.x25519.Identity.from_str(each) for each in secrets], fill)


class WrongKey(SettingsError):
    """An encrypted file, and none of the keys at hand is its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: is encrypted with a key that is not in the keys folder; set CARETRACE_KEYS to the folder of the"
            " project it belongs to, or restore its keys"
        )


def _read(path: Path, identities: Sequence[Any], fill: IO[bytes]) -> str:
    import pyrage

    watched = _Watched(fill)
    hashed = _Hashed(watched)
    with path.open("rb") as file:
        try:
            pyrage.decrypt_io(file, hashed, list(identities))
        except pyrage.DecryptError as error:
            _raise_own(watched)
            if "matching keys" in str(error):
                raise WrongKey(path) from None
            raise IntegrityFailure(f"{path}: altered or cut short") from None
        except OSError as error:
            _raise_own(watched)
            if error.errno is not None:
                raise
            raise IntegrityFailure(f"{path}: altered or cut short") from None
    return hashed.digest.hexdigest()


class _Hashed:
    """Passes on what is written and hashes it."""

    def __init__(self, to: _Watched) -> None:
        self.to, self.digest = to, sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.to.write(data)

    def flush(self) -> None:
        self.to.flush()


def new_identity(path: Path) -> str:
    """Make a key pair in a new file, as `age-keygen` does; gives the public key."""
    import pyrage

    if path.exists():
        raise InputError("exists already; a key is never overwritten", path=path)
    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        write_durably(path, f"# public key: {public}\n{identity}\n".encode())
        owner_only(path)
    except OSError as error:
        raise InputError(f"the key cannot be written ({error.strerror})", path=path) from None
    return public


def _identity(path: Path) -> Any:
    import pyrage

    try:
        lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines()]
        (secret,) = [line for line in lines if line and not line.startswith("#")]
        return pyrage.x25519.Identity.from_str(secret)
    except OSError as error:
        raise InputError(f"the key cannot be read ({error.strerror})", path=path) from None
    except (UnicodeDecodeError, ValueError, pyrage.IdentityError):
        raise InputError("is no age identity: one line AGE-SECRET-KEY-1...", path=path) from None
