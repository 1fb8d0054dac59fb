"""The state of a project from night to night: current rows, their history, links, person keys.

In: what a delivery holds, as `connectors.read` left it. Out: the same views as after `caretrace link`, over everything
that holds today. Begin with `store.next_state` (a copy that replaces the state when all is done), `apply.apply` (a
delivery laid over what is there) and `views.open_views`.
"""
