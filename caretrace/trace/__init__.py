"""Asking the national tracing service about clients, and what becomes of its answers.

In: a finished run. Out: request files (`request.request`), and after the reply a reading in the project
(`reading.read`): which numbers are accepted by rule, which a person must look at, which were replaced.
`results.build` makes one result a client of all readings; `load_back` writes it for the systems of the clients.
`opt_out` asks the other national service, the check for data opt-outs, about the same people.

    PROJECT/traces/requests/<id>/   request.json, questions.parquet: which client a reference stands for
    PROJECT/traces/readings/<n>/    reading.json, answers.parquet, results.csv, and register/: the people found, as
                                    further register files for `caretrace link`
"""
