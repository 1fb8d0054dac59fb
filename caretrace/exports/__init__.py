"""Files in formats of others, made of a run folder. In: a run. Out: `patients` for FHIR."""
