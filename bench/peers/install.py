"""Install the peers, each by itself, into the Python that runs this; say what came and what not.

python -m bench.peers.install
"""

import shutil
import subprocess
import sys

from bench.peers.roster import PEERS, Peer


def why(output: str) -> str:
    """Pip's reason in one line: the last of its errors, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    return ([*lines[-1:], *errors] or ["pip gave no reason"])[-1]


def install(peer: Peer) -> str:
    """Install a peer. Returns the outcome."""
    if peer.command:
        found = shutil.which(peer.command)
        return f"found {found}" if found else f"skipped: no {peer.command} on PATH"
    for arguments in peer.install:
        command = [sys.executable, "-m", "pip", "install", "--quiet", *arguments.split()]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return f"skipped: {why(done.stderr)}"
    return f"installed {peer.install[-1].split()[-1]}"


if __name__ == "__main__":
    for peer in PEERS:
        print(f"{peer.name:16}{install(peer)}", flush=True)
