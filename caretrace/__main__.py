"""`python -m caretrace` is the command `caretrace`."""

import sys

from caretrace.cli import main

sys.exit(main())
