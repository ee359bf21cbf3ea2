"""Every peer in a process of its own, with a time limit; what fails is skipped, with the reason."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.peers.program import timed
from bench.peers.roster import PEERS, Peer
from bench.peers.stage import write_scene
from bench.peers.tasks import TASKS, Answer
from bench.scenes import city

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".peers" / "bin" / "python"
LIMIT = 60.0
COPIED = 4000
CORES = ("OMP", "OPENBLAS", "NUMBA", "RAYON", "GDAL")
ONE_CORE = {f"{name}_NUM_THREADS": "1" for name in CORES}


class Own(NamedTuple):
    """A measurement of ours: Mcells/s, and what a cell costs in copies."""

    task: str
    mcells: float
    copies: float


class Skip(Exception):
    """Why a peer has no row."""


def finish(command: list[str], log: Path, limit: float) -> int | None:
    """The command's exit code; None if it was stopped, with all that it began, at the limit [s]."""
    with log.open("wb") as out:
        environment = os.environ | ONE_CORE
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=ROOT, env=environment, start_new_session=True
        )
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def ask(command: list[str], folder: Path, limit: float = LIMIT) -> tuple[Answer, NDArray[Any]]:
    """The answer of a program and its output. Raises Skip if it fails, hangs or leaves none."""
    log, file = folder / "log.txt", folder / "answer.json"
    file.unlink(missing_ok=True)
    code = finish(command, log, limit)
    if code is None:
        raise Skip(f"no answer within {limit:g} s")
    if code:
        lines = log.read_text("utf-8", "replace").strip().splitlines()
        raise Skip(lines[-1] if code > 0 and lines else f"ended with exit code {code}")
    try:
        answer = Answer(**json.loads(file.read_text()))
        if not (answer.seconds > 0 and answer.copies > 0):
            raise ValueError(f"it took {answer.seconds} s")
        return answer, np.load(folder / "output.npy")
    except (EOFError, OSError, TypeError, ValueError) as error:
        raise Skip(f"left no answer that can be read: {error}") from error


def row(peer: Peer, task: str, whole: int, folder: Path, python: Path) -> dict[str, Any]:
    """The row of a peer's task. Raises Skip."""
    side = min(peer.tasks[task], whole)
    scene = folder / str(side)
    if not scene.exists():
        write_scene(scene, side)
    program = f"bench.peers.programs.{peer.module}"
    answer, output = ask([str(python), "-m", program, str(scene), task], scene)
    try:
        correct = TASKS[task].judged(side, output, answer)
    except (LookupError, TypeError, ValueError) as error:
        raise Skip(f"left an output that can't be compared: {error}") from error
    return {
        "task": task,
        "peer": peer.name,
        "version": answer.version,
        "side": side,
        "mcells": side * side / answer.seconds / 1e6,
        "copies": answer.copies,
        "correct": correct if side == whole else f"at {side} x {side}: {correct}",
    }


def beside(task: str, side: int) -> Own | None:
    """The cost of our own call for a task at this moment, if there is one."""
    prepare = TASKS[task].ours
    if prepare is None:
        return None
    call, cells = prepare(side)
    call()
    timing = timed(call, cells, copied(side))
    return Own(task, cells / timing.seconds / 1e6, timing.copies)


def medians(measured: list[Own]) -> list[dict[str, Any]]:
    """Our own rows."""
    rows = []
    for task in dict.fromkeys(own.task for own in measured):
        same = [own for own in measured if own.task == task]
        speed, copies = (median(getattr(own, of) for own in same) for of in ("mcells", "copies"))
        rows.append({"task": task, "mcells": speed, "copies": copies})
    return rows


def merged(
    peers: list[dict[str, Any]], own: list[dict[str, Any]], skipped: list[tuple[str, str, str]]
) -> dict[str, Any]:
    """The result: peers beside ours; skipped: peer, task and reason, told once a reason."""
    copies = {entry["task"]: entry["copies"] for entry in own}
    for entry in peers:
        base = copies.get(entry["task"])
        entry["ratio_to_ours"] = entry["copies"] / base if base else None
    reasons: dict[tuple[str, str], list[str]] = {}
    for peer, task, reason in skipped:
        reasons.setdefault((peer, reason), []).append(task)
    texts = [
        {"peer": peer, "reason": f"{', '.join(tasks)}: {reason}"}
        for (peer, reason), tasks in reasons.items()
    ]
    return {"peers": peers, "ours": own, "skipped": texts}


def copied(side: int) -> NDArray[np.float32]:
    """The array whose copy is the unit: no smaller than COPIED, so that no cache holds it."""
    return city(max(side, COPIED))


def run(side: int, progress: Callable[[str], None], python: Path = PYTHON) -> dict[str, Any]:
    """`bench.peers.measure`, with the Python of the peers' environment."""
    rows: list[dict[str, Any]] = []
    own: list[Own] = []
    skipped: list[tuple[str, str, str]] = []
    pairs = [(peer, task) for peer in PEERS for task in peer.tasks]
    if not python.exists():
        return merged([], [], [(peer.name, task, "no .peers: make peers") for peer, task in pairs])
    with TemporaryDirectory(prefix="peers-") as name:
        folder = Path(name)
        np.save(folder / "whole.npy", copied(side))
        for peer, task in pairs:
            progress(f"{peer.name}: {task}")
            own += filter(None, [beside(task, side)])
            try:
                rows.append(row(peer, task, side, folder, python))
            except Skip as reason:
                skipped.append((peer.name, task, str(reason)))
    return merged(rows, medians(own), skipped)
