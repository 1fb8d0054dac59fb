"""The whole command line as one object, for pages and tests that read it."""

from caretrace.cli.commands import declare

app = declare()
