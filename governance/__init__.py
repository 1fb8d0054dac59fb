"""What may leave, under which agreement, and the proof of it.

In: a finished run folder, an agreement (TOML), a folder of keys. Out: a release folder keyed by pseudonyms, and a log
that shows any tampering. Begin here:

    signed  = governance.agreement.load(path)
    planned = governance.release.plan(run_dir, signed, project=..., keys_dir=..., today=...)    # shown, nothing written
    governance.release.check(planned)                                  # nothing, or Refused with every reason
    governance.release.make(planned, to, approved_by, maker=..., now=...)
    governance.audit.verify(project / "audit", keys_dir=...)           # a Verification, or IntegrityFailure
    governance.audit.register.rows(verification.entries)               # the register of disclosures

The rules are in `rules/`, each a small function with its citation; `decide.decide` asks them. `deidentify/` holds the
transforms, pseudonyms and disclosure checks, `audit/` the log. `keys.create` makes the keys, once. Nothing here reads
the clock, the environment or a random source, but for the making of keys and of a log's name.
"""
