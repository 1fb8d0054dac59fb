"""Going back from a pseudonym to a person, where the agreement provides for it and two people open it together (R43).

A pseudonym itself cannot be reversed. Where the agreement says so, a release leaves a sealed file with the controller:
each pseudonym beside its person, encrypted. Its key is encrypted twice over for every pair of approvers, so that one
alone opens nothing. `sealing` writes that file, `asking` asks, approves and opens; every step is in the log.
"""
