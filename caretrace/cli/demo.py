"""`caretrace demo`."""


def demo() -> None:
    """Run the demo."""
