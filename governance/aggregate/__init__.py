"""Tables of counts of people: small numbers hidden by a named preset, and the hiding audited before anything leaves.

`presets` holds the rules for small numbers, `cells` the counts and how they add up, `hiding` what is shown of each,
`audit` the proof that nothing hidden can be worked out; `tables` does all of it for a release.
"""
