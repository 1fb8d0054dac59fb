"""An agreement from its template to its last signature, as the people who sign it would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from governance.agreement.example_keys import EXAMPLE_RECIPIENT

PASSPHRASE = "CARETRACE_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
FILLED = {
    'id = "TO FILL IN"': 'id = "DSA-1"',
    'dspt_status = "TO FILL IN"': 'dspt_status = "Standards met"',
    "cag_conditions_acknowledged = false": "cag_conditions_acknowledged = true",
    "age1" + "q" * 58: EXAMPLE_RECIPIENT,
    'article_9 = "TO FILL IN"': 'article_9 = "9(2)(h) health or social care"',
}


def test_from_template_to_signed(tmp_path: Path, caretrace: Any) -> None:
    path, secret = tmp_path / "agreement.toml", tmp_path / "passphrase"
    secret.write_text("a long enough passphrase\n")
    assert caretrace("agreement", "new", path).returncode == 0
    begun = caretrace("agreement", "check", path)
    assert begun.returncode == 1
    assert "to do: line 4: id\n" in begun.stdout
    assert begun.stderr.endswith(f"{path}: id: still says 'TO FILL IN'\n")
    text = path.read_text("utf-8")
    for blank, filled in FILLED.items():
        assert blank in text
        text = text.replace(blank, filled)

    keys = []
    for number in range(3):
        key = tmp_path / f"signatory-{number}.key"
        made = caretrace("agreement", "key", key, env={PASSPHRASE: str(secret)})
        assert made.returncode == 0, made.stderr
        assert re.fullmatch(r"fingerprint.*: ([0-9a-f]{4} ?){4}\n", made.stderr)
        text = text.replace("ed25519:" + "A" * 43 + "=", made.stdout.strip(), 1)
        keys.append(key)
    # Whatever else is asked for is a word here; each of the three has a name of their own.
    text = re.sub("TO FILL IN", lambda _: f"word {next(words)}", text)
    path.write_text(text, encoding="utf-8")

    unsigned = caretrace("agreement", "check", path)
    assert unsigned.returncode == 3
    assert "R03: not signed by" in unsigned.stderr
    for key in keys:
        signed = caretrace("agreement", "sign", path, "--key", key, env={PASSPHRASE: str(secret)})
        assert signed.returncode == 0, signed.stderr
    checked = caretrace("agreement", "check", path)
    assert checked.returncode == 0, checked.stderr

    path.write_text(text.replace("word", "Word"), encoding="utf-8")
    changed = caretrace("agreement", "check", path)
    assert changed.returncode == 3
    assert changed.stderr.count("changed after it was signed") == 3


words = iter(range(1000))


def test_nobody_is_asked_for_a_passphrase_where_nobody_sits(tmp_path: Path, caretrace: Any) -> None:
    done = caretrace("agreement", "key", tmp_path / "mine.key")
    assert done.returncode == 1
    assert PASSPHRASE in done.stderr
    assert not (tmp_path / "mine.key").exists()
