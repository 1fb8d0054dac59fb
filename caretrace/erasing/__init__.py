"""One person taken out of a project: state, published tables, past and run folders; what cannot be is named.

In: a project and records of hers. Out: fewer rows and folders, a new run without her, and an entry of the log that
names nobody. Begin with `erasing.plan` and `erasing.erase`; `holders` knows what else may hold her, `scrubbing` takes
her out of Parquet files, and `caretrace.warehouse.erase` out of the state.
"""
