"""Clients of the service: on this machine, far away, or with a key."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.api.app import create_app
from service.core.settings import Settings

HERE, FAR = "127.0.0.1", "203.0.113.9"
LOCAL, PUBLIC = "http://localhost:8000", "https://roofs.example.nl"


def application(state: Path, **settings: Any) -> FastAPI:
    """The service without workers, as it is on loopback unless the settings say otherwise."""
    return create_app(Settings(**{"state": state, **settings}), work=False)


def public(state: Path, **settings: Any) -> FastAPI:
    """The same behind a proxy, where visitors are visitors."""
    return application(state, **{"public_url": PUBLIC, **settings})


def asks(app: FastAPI, url: str = LOCAL, address: str = HERE, **headers: str) -> TestClient:
    """A client with cookies of its own at an address; headers by their names in small letters."""
    values = {name.replace("_", "-"): value for name, value in headers.items()}
    return TestClient(
        app, url, headers=values, client=(address, 50_000), raise_server_exceptions=False,
        follow_redirects=False,
    )  # fmt: skip


def visits(app: FastAPI, address: str = FAR, **headers: str) -> TestClient:
    """A visitor of the public service."""
    return asks(app, PUBLIC, address, **headers)
