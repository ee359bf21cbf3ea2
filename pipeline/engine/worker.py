"""A worker process of a run on this machine: `python -m pipeline.engine.worker ADDRESS FOLDER`.

ADDRESS is that of the run's scheduler, FOLDER a temporary one. The process ends when its standard
input does, also while a kernel computes, and removes the folder: so a run that is killed leaves
neither.
"""

import asyncio
import os
import shutil
import sys
from threading import Thread

from pipeline.engine.garbage import collect_rarely

LOOPBACK = "127.0.0.1"  # which only this machine reaches


def main(address: str, folder: str) -> None:
    """Take tasks from a scheduler until the run ends."""
    collect_rarely()
    Thread(target=_end_with_input, args=(folder,), daemon=True, name="watch").start()
    asyncio.run(_work(address, folder))
    _end(folder)


async def _work(address: str, folder: str) -> None:
    from distributed import Worker

    worker = Worker(
        address,
        nthreads=1,
        host=LOOPBACK,
        memory_limit=0,  # none: it holds what the plan says, and dask would pause it
        local_directory=folder,
        dashboard=False,
    )
    async with worker:
        await worker.finished()


def _end_with_input(folder: str) -> None:
    sys.stdin.buffer.read()
    _end(folder)


def _end(folder: str) -> None:
    """End at once: threads that compute are not waited for."""
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
