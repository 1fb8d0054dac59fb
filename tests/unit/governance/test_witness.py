"""Cosigning: a witness signs what continues what it signed before, and nothing else."""

from __future__ import annotations

import base64
import importlib.util
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import governance
from governance import audit, keys
from governance.audit import log, witness
from governance.audit.checkpoint import Verifier
from governance.audit.witness import Witness
from governance.keys import Keys
from schemas.errors import InputError, IntegrityFailure, Refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAME = "partner.example/witness"


@dataclass
class Both:
    """A log's owner and a witness, each with their own files."""

    folder: Path
    keys: Keys
    witness_key: Ed25519PrivateKey
    seen: Path

    @property
    def witness(self) -> Witness:
        return Witness.of(NAME, self.witness_key)

    @property
    def log_key(self) -> Verifier:
        return Verifier.parse((self.folder / audit.VKEY).read_text())

    def append(self, count: int = 1) -> None:
        with log.opened(self.folder, self.keys, now=NOW) as held:
            for n in range(count):
                held.append([("DECISION", {"n": n})], now=NOW)

    def ask(self, since: int | None = None) -> str:
        return witness.ask(self.folder, audit.examine(self.folder, keys_dir=self.keys.folder), since=since)

    def cosign(self, request: str, minutes: int = 0) -> str:
        now = NOW + timedelta(minutes=minutes)
        return witness.cosign(request, self.log_key, NAME, self.witness_key, self.seen, now=now)

    def keep(self, request: str, line: str) -> Path:
        return witness.keep(self.folder, audit.examine(self.folder), request, line, self.witness)

    def newest(self) -> tuple[int, datetime]:
        return witness.newest(self.folder, audit.examine(self.folder), self.witness)


@pytest.fixture
def both(tmp_path: Path) -> Both:
    secrets = keys.create(tmp_path / "keys", project=tmp_path / "project")
    made = Both(
        tmp_path / "project" / "audit", secrets, Ed25519PrivateKey.generate(), tmp_path / "partner" / "seen.json"
    )
    made.append(4)
    return made


def test_a_log_that_grows_is_cosigned_each_time(both: Both) -> None:
    for round_, size in enumerate((5, 5, 8, 17)):
        both.append(size - audit.examine(both.folder).checkpoint.size)
        request = both.ask()
        both.keep(request, both.cosign(request, minutes=round_))
        assert both.newest() == (size, NOW + timedelta(minutes=round_))
    assert audit.verify(both.folder, keys_dir=both.keys.folder).size == 17


def test_the_message_that_is_signed_is_that_of_the_standard(both: Both) -> None:
    """C2SP tlog-cosignature: 4 bytes of key id, 8 of time, 64 of signature, over a header and the checkpoint."""
    request = both.ask()
    dash, name, encoded = both.cosign(request).rstrip("\n").split(" ")
    stamped = base64.b64decode(encoded)
    assert (dash, name, len(stamped)) == ("\u2014", NAME, 76)
    text = (both.folder / audit.CHECKPOINT).read_text().partition("\n\n")[0] + "\n"
    message = f"cosignature/v1\ntime {int(NOW.timestamp())}\n{text}"
    both.witness_key.public_key().verify(stamped[12:], message.encode())
    assert int.from_bytes(stamped[4:12], "big") == int(NOW.timestamp())


def test_what_a_log_lost_is_not_cosigned(both: Both, tmp_path: Path) -> None:
    shutil.copytree(both.folder, tmp_path / "older")
    both.append(3)
    both.cosign(both.ask())
    newer = both.folder.rename(tmp_path / "newer")
    shutil.copytree(tmp_path / "older", both.folder)
    request = witness.ask(both.folder, audit.examine(both.folder), since=0)
    with pytest.raises(IntegrityFailure, match="saw 8 entries, the log now holds 5"):
        both.cosign(request)
    # Written anew to the same length and beyond, by somebody who holds the log's key.
    shutil.rmtree(both.keys.folder / "anchors")
    both.append(6)
    with pytest.raises(IntegrityFailure, match="not the one this witness saw"):
        both.cosign(witness.ask(both.folder, audit.examine(both.folder), since=8))
    shutil.rmtree(both.folder)
    newer.rename(both.folder)
    shutil.rmtree(both.keys.folder / "anchors")
    both.cosign(both.ask(since=8))


def test_a_witness_says_where_to_continue(both: Both) -> None:
    with pytest.raises(Refused, match="never saw"):
        both.cosign(both.ask(since=2))
    both.cosign(both.ask(since=0))
    both.append()
    with pytest.raises(Refused, match="ask with --since 5"):
        both.cosign(both.ask(since=0))
    with pytest.raises(InputError, match="has 6 entries"):
        both.ask(since=7)


def test_a_changed_request_is_never_cosigned(both: Both) -> None:
    both.cosign(both.ask())
    both.append(3)
    request = both.ask(since=5)
    for at in range(0, len(request), 3):
        changed = request[:at] + chr(ord(request[at]) ^ 1) + request[at + 1 :]
        with pytest.raises((IntegrityFailure, InputError, Refused)):
            both.cosign(changed)
    both.cosign(request)


def test_only_the_witness_s_cosignature_of_this_request_is_kept(both: Both) -> None:
    request = both.ask()
    line = both.cosign(request)
    other = Both(both.folder, both.keys, Ed25519PrivateKey.generate(), both.seen.with_name("other.json"))
    both.append()
    later = both.ask(since=5)
    for wrong in (other.cosign(request), line * 2, "", line[:-1], both.cosign(later)):
        with pytest.raises((InputError, IntegrityFailure)):
            both.keep(request, wrong)
    assert not (both.folder / "witnessed").exists()
    with pytest.raises(IntegrityFailure, match="no checkpoint is cosigned"):
        both.newest()
    assert both.keep(request, line).name.startswith("000000005-")


def test_a_cosigned_checkpoint_that_is_not_of_this_log_is_found(both: Both) -> None:
    request = both.ask()
    path = both.keep(request, both.cosign(request))
    path.write_text(path.read_text().replace("\n5\n", "\n4\n"), encoding="utf-8", newline="\n")
    with pytest.raises(IntegrityFailure, match="signature"):
        audit.verify(both.folder)


def test_the_auditor_s_file_checks_cosignatures_alike(both: Both, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location(
        "verify_alone", Path(governance.__file__).with_name("verify_audit_log.py")
    )
    assert spec
    assert spec.loader
    alone = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = alone
    spec.loader.exec_module(alone)
    ask = [str(both.folder), "--witness", str(both.witness)]
    assert alone.main(ask) == 4  # it never cosigned
    request = both.ask()
    path = both.keep(request, both.cosign(request))
    both.append(2)
    capsys.readouterr()
    assert alone.main(ask) == 0
    assert f"{NAME} cosigned the first 5 entries at 2026-11-22 12:00:00 UTC" in capsys.readouterr().out
    data = path.read_bytes()
    for at in range(0, len(data) - 1, 3):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert alone.main(ask) == 4
        with pytest.raises((IntegrityFailure, InputError, UnicodeDecodeError)):
            audit.verify(both.folder)
            both.newest()
    path.unlink()
    path.with_name("000000009-0.checkpoint").write_bytes(data)
    assert alone.main(ask) == 0


@pytest.mark.parametrize("text", ["", "a+b+c", "partner.example/witness+00000000+BAAA"])
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no witness's public key"):
        Witness.parse(text)


def test_a_key_reads_as_written(both: Both) -> None:
    assert Witness.parse(f"{both.witness}\n") == both.witness
    with pytest.raises(InputError, match="name without spaces"):
        Witness.of("two words", both.witness_key)
