"""`python -m caretrace` is the command `caretrace`."""

from caretrace.cli import process

process()
