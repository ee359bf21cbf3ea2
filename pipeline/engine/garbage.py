"""The garbage collector of a process that computes."""

import gc

NEW_OBJECTS = 10_000  # 700 by default; more gains nothing


def collect_rarely() -> None:
    """Look for unused cycles of objects less often, in a process that imports the libraries of a
    run: they make 150,000 objects, through which a full collection walks in 0.1 s while all threads
    wait. A run on a sheet had seven of them, and has none; its arrays hang in no cycles."""
    gc.set_threshold(NEW_OBJECTS, 10, 10)
