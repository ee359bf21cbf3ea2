"""The command `serve` in a process of its own: it answers, says what is wrong, and stops."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.api.app import create_app
from service.cli import serve
from service.core.settings import Settings
from tests.support.commands import call, start
from tests.support.servers import PATIENCE_S, until_ready


@contextmanager
def served(state: Path, *words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, as soon as it answers, and its address."""
    process = start("serve", "--port", 0, "--state", state, *words)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://(\S+)/", line)
        assert found, f"{line}{process.communicate()}"
        yield process, f"http://127.0.0.1:{found[1].rpartition(':')[2]}"
    finally:
        process.kill()
        process.communicate()


def refused(*words: object) -> str:
    """What a command says that ends with 2, in one line."""
    found = call("serve", *words)
    assert found.exit_code == 2, found.output
    (line,) = found.output.splitlines()
    assert line.startswith("error: ")
    return line


def get(url: str, **headers: str) -> bytes:
    """What an address answers."""
    asked = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
        content: bytes = answer.read()
        return content


def test_the_service_answers_and_stops(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with served(state) as (process, url):
        assert json.loads(get(f"{url}/health"))["status"] == "alive"
        until_ready(url)
        assert "another service works there" in refused("--port", 0, "--state", state)
        port = url.rpartition(":")[2]
        said = refused("--port", port, "--state", tmp_path / "other")
        assert f"--port {port}: something listens there already; give another" in said
        with socket.create_connection(("127.0.0.1", int(port))) as idle:
            idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")  # and no end
            process.send_signal(signal.SIGTERM)
            out, said = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, out) == (0, "")
        lines = [json.loads(line) for line in said.splitlines()]
        assert next(line for line in lines if line["message"] == "request")["route"] == "/health"
        assert not [line for line in lines if line["level"] == "error"], said
    assert state.stat().st_mode & 0o077 == 0


def test_a_connection_made_while_the_service_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Is closed: the stop does not wait for it, and logs no error."""

    async def stop() -> bytes:
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup([listener])
        server.should_exit = True
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        await server.shutdown([listener])
        return answer

    settings = Settings(state=tmp_path)
    server = serve._server(create_app(settings, work=False), settings, bool, bool)
    with serve._listening("127.0.0.1", 0) as listener:
        assert asyncio.run(stop()) == b""
    assert not caplog.records


def test_others_are_served_with_keys_only(tmp_path: Path) -> None:
    beyond = ("--host", "0.0.0.0", "--state", tmp_path)
    assert "make one by `daklaag keys add NAME`" in refused("--port", 0, *beyond)
    assert "make one by" in refused("--public-url", "https://roofs.example.nl", "--state", tmp_path)
    key = call("keys", "add", "zeeland", "--operator", "--state", tmp_path, "-q").output.strip()
    with served(tmp_path, "--host", "0.0.0.0") as (process, url):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(f"{url}/metrics")
        assert b"daklaag_jobs" in get(f"{url}/metrics", Authorization=f"Bearer {key}")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0


def test_a_run_that_is_not_finished_is_told_as_one(tmp_path: Path) -> None:
    begun = tmp_path / "half"
    (begun / "work.partial").mkdir(parents=True)
    (begun / "work.partial" / "request.json").write_text("{}")
    said = refused("--data", begun, "--state", tmp_path / "state")
    assert "half: its run is not finished; the same `daklaag run` command continues it" in said


@pytest.mark.parametrize(("words", "said"), [
    (("--port", "http"), "--port: Input should be a valid integer"),
    (("--data", "nowhere"), "--data nowhere: neither a finished run nor a folder"),
    (("--host", "no.such.host.invalid"), "no.such.host.invalid"),
    (("--config", "nowhere.toml"), "--config nowhere.toml: No such file"),
])  # fmt: skip
def test_faults_are_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    if "--host" in words:
        call("keys", "add", "zeeland", "--state", tmp_path)
    found = call("serve", "--state", tmp_path, *words)
    assert found.exit_code == 2 and found.output.count("\n") == 1
    assert found.output.startswith("error: ") and said in found.output
