"""Client Level Data: what is wrong with a submission, and a submission with the NHS numbers that a run found.

In: a council's files, or a run folder. Out: a submission, its faults by record id, and a report without identifiers.
Begin with `caretrace.cld.submission.write` and `caretrace.cld.submission.check`.
"""
