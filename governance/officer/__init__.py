"""What an information governance officer is asked for, worked out from the log: one function, one answer.

In: the checked entries of the log, and for questions about one person the index beside it. Out: rows of plain values.
Begin with `about.shared`; `caretrace officer` is the command.
"""
