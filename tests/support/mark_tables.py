"""Marks in the tests: a table of them, and shapes in Amsterdam."""

from pathlib import Path
from typing import Any

import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.api.app import create_app
from service.core.database import Database
from service.core.settings import Settings
from service.marks.table import Marks, Target

X, Y = 4.9003, 52.3727  # the Waag [degrees]
POINT = {"type": "Point", "coordinates": [X, Y]}


def square(side: float = 0.001, x: float = X, y: float = Y) -> dict[str, Any]:
    """A GeoJSON square by its lower left corner [degrees]."""
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def table(folder: Path, **settings: Any) -> Marks:
    """An empty table of marks."""
    return Marks(Database(folder / "service.sqlite"), Settings(state=folder, **settings))


def target() -> Target:
    """A place at the Waag."""
    return Target(shapely.Point(121_900, 487_300), (X, Y, X, Y), on_roof=False)


def app_of(settings: Settings) -> FastAPI:
    """The service, without processes that compute."""
    return create_app(settings, work=False)


def browser(app: FastAPI, **headers: str) -> TestClient:
    """Somebody with cookies of their own, on this machine."""
    return TestClient(app, base_url="http://127.0.0.1", headers=headers)
