"""Making records less identifiable, and measuring how far that went.

`columns` says what may leave at all; `transform` holds the named transforms of a field, `pseudonym` the keyed one for
people; `disclosure` measures k, `scan` looks for identifiers in what would leave.
"""
