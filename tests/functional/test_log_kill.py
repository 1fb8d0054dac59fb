"""A program that logs decisions is killed in the midst of it: whatever it was told is logged, is."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from governance import audit, keys
from governance.audit import log

PROVE = "CARETRACE_PROVE" in os.environ
BATCH = 50

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from governance import keys
from governance.audit import log

project, keys_dir, batch = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
with log.opened(project / "audit", keys.load(keys_dir, project=project), now=datetime.now(UTC)) as held:
    print("ready", flush=True)
    while True:
        made = held.append([("DECISION", {"n": n}) for n in range(batch)], now=datetime.now(UTC))
        print(made[-1].index, flush=True)
"""


@pytest.mark.prove
@pytest.mark.parametrize("round_", range(20 if PROVE else 2))
def test_nothing_acknowledged_is_lost(tmp_path: Path, round_: int) -> None:
    project, keys_dir = tmp_path / "project", tmp_path / "keys"
    secrets = keys.create(keys_dir, project=project)
    command = [sys.executable, "-c", WRITER, str(project), str(keys_dir), str(BATCH)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        time.sleep(random.Random(round_).uniform(0.05, 0.4))  # noqa: S311 - no secret
        writer.kill()
        acknowledged = [int(line) for line in writer.stdout if line.endswith("\n")]
    with log.opened(project / "audit", secrets, now=datetime.now(UTC)) as held:
        kinds = [entry["type"] for entry in held.entries]
    found = audit.verify(project / "audit", keys_dir=keys_dir)
    assert len(kinds) == found.size
    # What came after the last answer is whole batches that were signed but not yet answered, or set aside.
    decisions = kinds.count("DECISION")
    assert decisions % BATCH == 0
    assert acknowledged == [BATCH * n for n in range(1, len(acknowledged) + 1)]
    assert decisions - BATCH * len(acknowledged) in (0, BATCH)


if PROVE:  # how fast the disk is says nothing about a change

    @pytest.mark.prove
    def test_five_hundred_decisions_a_second_are_durable(tmp_path: Path) -> None:
        secrets = keys.create(tmp_path / "keys", project=tmp_path / "project")
        with log.opened(tmp_path / "project" / "audit", secrets, now=datetime.now(UTC)) as held:
            began, count = time.perf_counter(), 0
            while time.perf_counter() - began < 3:
                held.append([("DECISION", {"n": n}) for n in range(BATCH)], now=datetime.now(UTC))
                count += BATCH
            assert count / (time.perf_counter() - began) >= 500
