"""CQL2 as text, read by a process of its own. The parser of the library `cql2` takes a time that
doubles with each parenthesis that is not closed, and ends the process where thousands of signs
nest; it lets nothing else run meanwhile.

`python -m service.api.cql` is that process; it takes 0.1 s.
"""

import functools
import json
import re
import resource
import subprocess
import sys
import threading

from pipeline.errors import InputError
from service.core.problem import Problem

PROGRAM = (sys.executable, "-m", "service.api.cql")
LONGEST = 4000  # characters: a polygon of 200 corners
DEEPEST = 250  # calls within calls to write the JSON: some 100 operators within each other
SECONDS, BYTES = 1, 1 << 28
WAITS = 5.0  # s that such a process may last, on a machine that is busy
AT_ONCE = threading.BoundedSemaphore(2)
PATIENCE_S, RETRY_S = 0.5, 2
PLACE = re.compile(r"\s*--> (\d+):(\d+)")


@functools.lru_cache(maxsize=256)
def parsed(text: str) -> str:
    """A filter as the text of its JSON.

    Raises InputError for a text that is not CQL2, or too long or too deep to read; Problem 503
    where many are being read.
    """
    if len(text) > LONGEST:
        raise InputError(
            "filter", "longer than {longest:,} characters", "make it shorter", longest=LONGEST
        )
    if not AT_ONCE.acquire(timeout=PATIENCE_S):
        detail = "many filters are being read; ask again in a moment"
        raise Problem(503, detail, headers={"Retry-After": str(RETRY_S)})
    try:
        done = subprocess.run(
            PROGRAM, input=text.encode(), capture_output=True, timeout=WAITS, check=False
        )
    except subprocess.TimeoutExpired:
        done = None
    finally:
        AT_ONCE.release()
    if done is None or done.returncode:
        raise InputError("filter", "takes too long to read", "close its parentheses, and nest less")
    answer = done.stdout.decode()
    if place := PLACE.match(answer):
        where = f"line {place[1]}, character {place[2]}" if place[1] != "1" else place[2]
        raise InputError("filter", "is not CQL2 text, from character {where} on", where=where)
    return answer


def main() -> None:
    """Answer with the JSON of the text that is sent, or where that is no CQL2."""
    import cql2

    sys.setrecursionlimit(DEEPEST)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = json.dumps(cql2.parse_text(sys.stdin.buffer.read().decode()).to_json())
    except cql2.ParseError as error:
        answer = str(error)
    sys.stdout.buffer.write(answer.encode())


if __name__ == "__main__":
    main()
