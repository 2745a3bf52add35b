"""The reference in `docs/reference/`, written from the code that it speaks of."""
