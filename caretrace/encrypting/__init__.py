"""A project that was begun in plain text, encrypted where it stands: `finding` says what, `converting` does it.

found = finding.find(project, settings, entries)     what is about people, and what stays as it is
converting.convert(project, keys_dir, ...)           all of it, file by file, and said in the log
"""
