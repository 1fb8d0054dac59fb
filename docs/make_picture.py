"""Makes the picture of the report in the README: `python docs/make_picture.py RUN`; needs Chromium on the path."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).parent / "img" / "report.png"
SIZE = "1000,1480"


def main(run: Path) -> int:
    """Render the top of the run's report."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("no Chromium on the path", file=sys.stderr)
        return 1
    PICTURE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        command += [f"--user-data-dir={profile}", f"--window-size={SIZE}", f"--screenshot={PICTURE}"]
        subprocess.run(
            [*command, (run / "report.html").resolve().as_uri()], check=True, stderr=subprocess.DEVNULL, timeout=120
        )
    print(f"{PICTURE}  {PICTURE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
