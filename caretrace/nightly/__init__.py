"""A night: what has arrived is read, judged and laid over what is known, and what changed is linked again.

In: a project with its inboxes. Out: a new run, or none where nothing is new, and what was held and why. Begin with
`run.run`; `deliveries` says what is waiting, `judge` what holds it, `result` what the night's account says.
"""
