"""Instant look-up: one client against a register held in memory, in milliseconds, decided as a batch would decide.

`build.build` makes a `register.Register` of columns from the store, `search.search` decides on one `record.Record`, and
`file` keeps the register. The modules follow `linkage`: `names` and `record` clean, `levels` compares, `weigh` weighs,
`decide` decides. Each is the Python form of what is SQL there, and tests hold the two equal.
"""
