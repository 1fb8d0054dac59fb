"""The bench is a folder of scripts, not a package: its modules are found the way a script finds them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "bench"))
