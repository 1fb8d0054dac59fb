"""What `caretrace init` writes: a caretrace.toml that explains itself, and the folders it speaks of."""

from __future__ import annotations

TOML = """\
# Settings of a caretrace project. `caretrace run` reads them at every start; docs/nightly.md says more.
# Numbers marked [assumed] are choices of caretrace, not rules of a published source: look at them.

# ---- Where records come from: one [[source]] for each system ----------------------------------------------------

[[source]]
# Small letters, digits, - and _. Records are known by it, so never change it once a run was made.
name = "clients"
# clients: the people whose NHS numbers are wanted. register: the people who have them (GP systems, PDS).
side = "clients"
# Where its deliveries arrive: a file, an archive or a folder each, taken in order of name (so begin names with
# the date, year first). Nothing in it is moved or deleted.
folder = "in/clients"
# Found from the content if not given; `caretrace check FILE` says which it is.
# format = "carefirst"
# For a council's own column titles; `caretrace map FILE` proposes one.
# mapping = "carefirst.toml"
# full: each delivery holds everybody, and whoever is not in it is gone. delta: each holds only what changed.
# auto: as the supplier's own files say (EMIS, SystmOne); for others full, or by name where full_names is given.
feed = "auto"
# full_names = "*-full*"
# Organisations left out knowingly, by their codes.
# without = ["Y90001"]
# For a system that was switched off: its records hold no longer from the next run on.
# ended = true

# What holds a delivery until somebody has looked at it (all [assumed]): the share of its records that cannot be
# read; the share of a column's values that cannot be used; the share of the source's people whom it takes away; the
# fewest records (if not given, 1 for a full one and none for changes); and whether a broken last record holds it,
# since the file may have been cut short.
[source.hold]
rejected = 0.05
unusable = 0.5
gone = 0.2
# fewest = 1000
broken_end = true

[[source]]
name = "register"
side = "register"
folder = "in/register"
feed = "auto"
# full_names = "*-full*"

# ---- How they are matched, as `caretrace link` has it ------------------------------------------------------------

[match]
# Share of clients who may be expected to be linked wrongly, and of those sent to a person [assumed].
wrong_links = 0.0005
review_share = 0.03
# Links to register people without an NHS number: link, review, or as the register is (auto).
numberless = "auto"
# NHS numbers of the test range (9xx): count and use them, or refuse them. Refuse them in live use.
test_numbers = "count"
# A model made before, and how common names are elsewhere, for a small register.
# model = "model.json"
# population = "names.csv"

# The model is trained once and kept. A run says when it is old [assumed]; `caretrace run --again` trains a new one.
[retrain]
after_days = 180
growth = 0.25

# ---- What comes out -----------------------------------------------------------------------------------------------

[load_back]
# The dead and restricted records in load_back.csv: mark or leave-out [assumed].
dead = "mark"
restricted = "mark"
# Links loaded back with status 03 (trace required) instead of 02: probabilistic, always or never [assumed].
trace_required = "probabilistic"

[outputs]
# The linked tables (runs/NNNN/linked) and the views over them: nightly, or weekly. At a million register rows they are
# most of what a night costs; links, lists and pages come every night.
tables = "nightly"

# [targets.postgres]
# Every run is loaded into it. No password here: it stands in the variable named, in ~/.pgpass or in a service file.
# connection = "postgresql://nightly@db.example.internal/warehouse"
# password_variable = "CARETRACE_POSTGRES_PASSWORD"
# analyst = "caretrace_analyst"

# ---- What a run watches ------------------------------------------------------------------------------------------

# [traces]
# Where `caretrace trace read` keeps answers, if not in the project's own folder; each run honours them.
# folder = "traces"

# [agreements]
# files = ["agreements/warehouse.toml"]
# warn_days = 30

# After how many days without a delivery a run says that one is overdue.
# [schedule]
# clients = 1
# register = 7

# ---- Files about people, where they stand ------------------------------------------------------------------------

# Encrypted with the project's key (`caretrace keys at-rest`), as a second layer over the disk's own encryption:
# docs/governance/at-rest.md. Plain text stands in memory while a command works, or in the folder `work`.
# [at_rest]
# encrypt = true
# work = "/mnt/encrypted/caretrace"

# ---- How long things are kept ------------------------------------------------------------------------------------

# `caretrace purge` removes what is older, in days (history in years), or never with "never". All of it is our own
# choice [assumed]: your retention schedule goes before it. docs/operations.md says what each is, and what always stays.
# [retention]
# runs = 100
# runs_at_least = 14
# deliveries = 100
# written = 100
# traces = 800
# releases = 0
# set_aside = 400
# history = 8

# ---- The machine -------------------------------------------------------------------------------------------------

# [resources]
# threads = 4
# memory = "8GB"
# A file that changed in the last seconds may still be being copied, and waits for the next run [assumed].
# quiet_seconds = 2
"""

GITIGNORE = """\
# Everything here is about people: only the settings belong in version control.
*
!.gitignore
!*.toml
"""
