"""Files encrypted with OpenPGP, as EMIS sends them, decrypted by the user's own GnuPG as they are read.

GnuPG is a program and not a library of ours: it holds the user's keys, on a smart card where there is one, and asks for
the passphrase itself. Plain text comes through a pipe and is never on a disk.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from connectors.files.opening import BLOCK, Blocks, Member, Opening, Tick
from connectors.files.packed import check_bound
from schemas.errors import InputError

_ENDINGS = (".gpg", ".pgp", ".asc")
# RFC 9580: a message begins with an encrypted session key (packets 1 and 3) or encrypted data (9, 18 and 20).
_PACKETS = (1, 3, 9, 18, 20)

_ABSENT = "is encrypted with OpenPGP, and the program gpg was not found; install GnuPG, or decrypt the file yourself"
_NO_KEY = "is encrypted for another key: none of the secret keys in your GnuPG keyring opens it"
_LOCKED = (
    "the passphrase of the key is missing or wrong; unlock the key in GnuPG's agent, or name a file that holds the"
    " passphrase in CARETRACE_GPG_PASSPHRASE_FILE"
)
_ALTERED = (
    "is encrypted with OpenPGP, and was altered, cut short, or sent without protection against it; ask for it again"
)
_FORGED = "is signed by a key you know, and the signature is false; ask the sender"


def is_binary(name: str, head: bytes) -> bool:
    """Whether this is an encrypted file that is not in ASCII armour: by its ending and its first packet."""
    if not name.lower().endswith(_ENDINGS) or not head or not head[0] & 0x80:
        return False
    packet = head[0] & 0x3F if head[0] & 0x40 else (head[0] & 0x3F) >> 2
    return packet in _PACKETS


def decrypt(blocks: Blocks, tick: Tick, member: Member, opening: Opening) -> Iterator[bytes]:
    """The plain bytes; InputError where no key opens them or they are not as they were sent.

    What is given before the end is not proved yet: whoever reads must reach the end before using any of it.
    """
    bound, made = opening.bound(member.size), 0
    with tempfile.TemporaryFile() as said:
        feeder, program = _start(blocks, opening, said, member)
        try:
            told = 0
            while block := _output(program).read(BLOCK):
                made += len(block)
                check_bound(made, bound, member)
                yield block
                done, told = feeder.read - told, feeder.read
                tick(done)
            program.wait()
            feeder.join()
            tick(feeder.read - told)
        finally:
            program.kill()
            program.wait()
            _output(program).close()
            feeder.join()
        if feeder.error:
            raise feeder.error
        said.seek(0)
        _check(said.read(), program.returncode, member)


class _Feeder(threading.Thread):
    """Writes the encrypted bytes while the plain ones are read; one alone would wait for the other."""

    def __init__(self, blocks: Blocks, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.read = 0
        self.error: InputError | None = None
        self._blocks = blocks
        self._pipe = pipe

    def run(self) -> None:
        """Write until all is written, or nobody reads any more."""
        try:
            for block in self._blocks(self._count):
                self._pipe.write(block)
        except InputError as error:
            self.error = error
        except OSError:
            pass  # GnuPG gave up, and says why
        finally:
            with suppress(OSError):
                self._pipe.close()

    def _count(self, done: int) -> None:
        self.read += done


def _start(
    blocks: Blocks, opening: Opening, said: IO[bytes], member: Member
) -> tuple[_Feeder, subprocess.Popen[bytes]]:
    command = ["gpg", "--batch", "--quiet", "--status-fd", "2"]
    if opening.gnupg_home:
        command += ["--homedir", str(opening.gnupg_home)]
    if opening.passphrase_file:
        command += ["--pinentry-mode", "loopback", "--passphrase-file", str(opening.passphrase_file)]
    try:
        program = subprocess.Popen(  # noqa: S603 - a fixed program; no shell
            [*command, "--decrypt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
        )
    except FileNotFoundError as error:
        raise InputError(_ABSENT, path=member.where) from error
    if program.stdin is None:
        raise AssertionError("a pipe was asked for")
    feeder = _Feeder(blocks, program.stdin)
    feeder.start()
    return feeder, program


def _output(program: subprocess.Popen[bytes]) -> IO[bytes]:
    if program.stdout is None:
        raise AssertionError("a pipe was asked for")
    return program.stdout


def _check(said: bytes, code: int, member: Member) -> None:
    """Hold GnuPG's own account of what it did against what must be so; its words for people are not looked at."""
    status = {line.split()[1] for line in said.splitlines() if line.startswith(b"[GNUPG:] ")}
    if b"BADSIG" in status:
        raise InputError(_FORGED, path=member.where)
    # A signature by a key that is not in the keyring makes GnuPG fail; the file is intact all the same.
    if {b"DECRYPTION_OKAY", b"GOODMDC"} <= status and (code == 0 or b"NO_PUBKEY" in status):
        return
    if b"NEED_PASSPHRASE_SYM" in status or (b"KEY_CONSIDERED" in status and b"DECRYPTION_INFO" not in status):
        reason = _LOCKED
    else:
        reason = _ALTERED if b"DECRYPTION_INFO" in status or b"ENC_TO" not in status else _NO_KEY
    raise InputError(reason, path=member.where)
