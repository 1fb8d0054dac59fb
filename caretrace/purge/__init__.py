"""What a project no longer has to keep is removed, said before and logged.

In: a project and the periods in its caretrace.toml ([retention]). Out: fewer files. Begin with `removing.purge`;
`old` says what is too old and why, `settings` holds the periods. Never removed: the log, decisions, proofs of releases,
the state of the warehouse, answers of tracing services, whatever waits or is held, and the newest runs.
"""
