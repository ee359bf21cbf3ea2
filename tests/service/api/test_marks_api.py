"""Marks over HTTP: made by a visitor, moderated by an operator, seen by all, read by a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.api.service import Service
from service.core.settings import Settings
from service.marks.table import MarkQuery
from tests.support import finished
from tests.support.commands import call
from tests.support.mark_tables import POINT, X, Y, app_of, browser, square
from tests.support.runs import Files, generated, judge, table_of

MARK: dict[str, Any] = {"kind": "not_wanted", "what": "turbines", "reason": "a view"}
Visitor = Callable[..., TestClient]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "delft"
    folder.mkdir()
    return finished.finished(folder)


@pytest.fixture(scope="module")
def whole(run: Path, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    state = tmp_path_factory.mktemp("state")
    limits = {"marks_a_day": 6, "visitor_makes_an_hour": 1000}
    return app_of(Settings(data=(str(run),), state=state, open=False, **limits))


@pytest.fixture
def app(whole: FastAPI) -> FastAPI:
    """A service that takes no more than six marks a day, and has none yet."""
    for table in ("marks", "marks_made", "keys"):
        whole.state.service.database.execute(f"DELETE FROM {table}")
    return whole


@pytest.fixture
def visitor(app: FastAPI) -> Visitor:
    """Somebody with a browser of their own; with a key if one is given."""

    def new(key: str | None = None) -> TestClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return browser(app, **headers)

    return new


@pytest.fixture
def operator(app: FastAPI, visitor: Visitor) -> TestClient:
    service: Service = app.state.service
    return visitor(service.keys.add("operator", operator=True))


def put(client: TestClient, **other: Any) -> dict[str, Any]:
    """A mark that is taken."""
    answer = client.post("/marks", json=MARK | other)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"].endswith(f"/marks/{answer.json()['id']}")
    found: dict[str, Any] = answer.json()
    return found


def seen(client: TestClient, **query: Any) -> list[str]:
    answer = client.get("/marks", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/geo+json"
    assert answer.headers["Cache-Control"] == "no-store"
    return [each["id"] for each in answer.json()["features"]]


def test_from_a_mark_to_the_map(visitor: Visitor, operator: TestClient) -> None:
    ann, bob = visitor(), visitor()
    mark = put(ann, collection="delft", row=2)
    id, path = mark["id"], f"/marks/{mark['id']}"
    assert mark["properties"] | {"created": "", "expires": ""} == {
        "kind": "not_wanted", "what": "turbines", "reason": "a view", "status": "pending",
        "text_shown": False, "created": "", "expires": "", "mine": True, "collection": "delft",
        "row": 2, "building": f"{3:016d}",
    }  # fmt: skip
    assert seen(ann) == seen(operator) == [id]
    assert seen(bob) == []
    assert bob.get(path).status_code == bob.delete(path).status_code == 404
    for client in (ann, bob):
        assert client.patch(path, json={"status": "approved"}).status_code == 403
    assert operator.patch(path, json={"status": "approved"}).status_code == 200
    assert seen(bob) == [id]
    shown = bob.get(path).json()["properties"]
    assert (shown["reason"], shown["mine"], shown["status"]) == (None, False, "approved")
    operator.patch(path, json={"status": "approved", "with_text": True})
    assert bob.get(path).json()["properties"]["reason"] == "a view"
    assert bob.delete(path).status_code == 403
    assert ann.delete(path).status_code == 204
    assert seen(operator) == []
    assert ann.delete(path).status_code == ann.get(path).status_code == 404
    assert operator.patch(path, json={"status": "approved"}).status_code == 404


def test_nobody_is_named(app: FastAPI, visitor: Visitor, operator: TestClient) -> None:
    ann = visitor()
    id = put(ann, geometry=POINT)["id"]
    name = app.state.service.marks.owner(id)
    assert name.startswith("visitor-")
    operator.patch(f"/marks/{id}", json={"status": "approved"})
    for client in (ann, visitor(), operator):
        for path in ("/marks", f"/marks/{id}", "/marks/restrictions"):
            said = client.get(path).text
            assert id in said
            assert name not in said
            assert name[-8:] not in said


ROOF = {"collection": "delft", "row": 0}


@pytest.mark.parametrize(
    "target",
    [
        ROOF, {"geometry": POINT}, {"geometry": square()}, {}, ROOF | {"geometry": POINT},
        {"row": 0}, {"collection": "delft"}, {"geometry": POINT, "row": 0},
        ROOF | {"geometry": None}, {"geometry": POINT, "collection": None}, ROOF | {"row": 2**40},
    ],
    ids=str,
)  # fmt: skip
def test_the_document_says_what_a_mark_needs(visitor: Visitor, target: dict[str, Any]) -> None:
    """A roof or a place on the ground, not both, not neither: declared as it is accepted."""
    client = visitor()
    document = client.get("/api").json()
    schema = {"$ref": "#/components/schemas/Wish", "components": document["components"]}
    mark = MARK | target
    answer = client.post("/marks", json=mark)
    assert answer.status_code in (201, 400), answer.text
    assert jsonschema_rs.is_valid(schema, mark) == (answer.status_code == 201), answer.text


def test_forget_me(visitor: Visitor, operator: TestClient) -> None:
    ann, bob = visitor(), visitor()
    for _ in range(3):
        public = put(ann, geometry=square())["id"]
    operator.patch(f"/marks/{public}", json={"status": "approved"})
    kept = put(bob, geometry=POINT)["id"]
    assert visitor().delete("/marks").json() == {"deleted": 0}
    assert ann.delete("/marks").json() == {"deleted": 3}
    assert seen(operator) == [kept]


def test_the_operator_deletes_any(visitor: Visitor, operator: TestClient) -> None:
    id = put(visitor(), geometry=POINT)["id"]
    assert operator.delete(f"/marks/{id}").status_code == 204
    assert seen(operator) == []


def test_too_many_a_day(visitor: Visitor) -> None:
    ann = visitor()
    for _ in range(6):
        put(ann, geometry=POINT)
    answer = ann.post("/marks", json=MARK | {"geometry": POINT})
    assert answer.status_code == 429
    assert "6 marks a day" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) > 80_000


def test_a_page_after_the_other(visitor: Visitor) -> None:
    ann = visitor()
    made = [put(ann, geometry=square(x=X + n / 100))["id"] for n in range(5)]
    path, found = "/marks?limit=2&mine=true", []
    while path:
        page = ann.get(path).json()
        found += [each["id"] for each in page["features"]]
        assert page["numberMatched"] == 5
        assert page["numberReturned"] == len(page["features"]) <= 2
        path = next((each["href"] for each in page["links"] if each["rel"] == "next"), "")
    assert found == made
    assert seen(ann, bbox=f"{X + 0.0105},{Y},{X + 0.0205},{Y + 1}") == made[1:3]
    assert seen(ann, collection="delft") == seen(ann, status="approved") == []
    assert seen(ann, status="pending") == made


def test_how_long_they_are_kept_is_said(visitor: Visitor) -> None:
    said = visitor().get("/marks").json()["retention"]
    assert (said["approved_days"], said["other_days"]) == (730, 90)
    assert "DELETE /marks" in said["deletion"]


def test_a_service_without_marks(run: Path, tmp_path: Path) -> None:
    client = browser(app_of(Settings(data=(str(run),), state=tmp_path, marks=False)))
    for answer in (client.get("/marks"), client.post("/marks", json=MARK | {"geometry": POINT})):
        assert answer.status_code == 404
        assert "takes no marks" in answer.json()["detail"]


def with_ring(*corners: Any) -> dict[str, Any]:
    return {"geometry": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}}


BAD: dict[str, tuple[dict[str, Any], int]] = {
    "no place": ({}, 400),
    "two places": ({"geometry": POINT, "collection": "delft", "row": 1}, 400),
    "no row": ({"collection": "delft"}, 400),
    "no such row": ({"collection": "delft", "row": 99}, 404),
    "no such collection": ({"collection": "'; DROP TABLE marks; --", "row": 1}, 404),
    "a path": ({"collection": "../../etc", "row": 1}, 404),
    "a building without an outline": ({"collection": "delft", "row": 9}, 400),
    "a huge row": ({"collection": "delft", "row": 2**80}, 400),
    "a name": ({"geometry": POINT, "name": "Ann"}, 400),
    "another kind": ({"geometry": POINT, "kind": "wish"}, 400),
    "what does not fit the kind": ({"geometry": POINT, "what": "terrace"}, 400),
    "a long text": ({"geometry": POINT, "reason": "x" * 501}, 400),
    "a very long text": ({"geometry": POINT, "reason": "x" * 10_000_000}, 413),
    "a text that steers": ({"geometry": POINT, "reason": "a\x1b[2J"}, 400),
    "a text that is none": ({"geometry": POINT, "reason": {"$ne": 1}}, 400),
    "the world": (with_ring([-180, -90], [180, -90], [180, 90], [-180, 90]), 400),
    "the country": (with_ring([3.4, 51], [7, 51], [7, 53.5], [3.4, 53.5]), 400),
    "a bow tie": (with_ring([X, Y], [X + 1e-3, Y + 1e-3], [X + 1e-3, Y], [X, Y + 1e-3]), 400),
    "many corners": (with_ring(*[[X, Y + n / 1e6] for n in range(501)]), 400),
    "a line": ({"geometry": {"type": "LineString", "coordinates": [[X, Y], [X, Y]]}}, 400),
    "no numbers": ({"geometry": {"type": "Point", "coordinates": ["4.9", None]}}, 400),
}


@pytest.mark.parametrize("name", BAD)
def test_faulty_marks_are_refused(visitor: Visitor, operator: TestClient, name: str) -> None:
    other, status = BAD[name]
    answer = visitor().post("/marks", json=MARK | other)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.content) < 1000
    assert seen(operator) == []


@pytest.mark.parametrize("coordinate", ["NaN", "Infinity", "1e999", "-1e400"])
@pytest.mark.parametrize("kind", ["Point", "Polygon"])
def test_faulty_rows_are_refused(visitor: Visitor, coordinate: str, kind: str) -> None:
    place = f"[{coordinate}, {Y}]"
    if kind == "Polygon":
        place = f"[[{', '.join([place] * 4)}]]"
    text = json.dumps(MARK)[:-1] + f', "geometry": {{"type": "{kind}", "coordinates": {place}}}}}'
    answer = visitor().post("/marks", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text


def test_half_a_character(visitor: Visitor) -> None:
    text = json.dumps(MARK | {"geometry": POINT, "reason": "\ud800"})
    assert "\\ud800" in text
    answer = visitor().post("/marks", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "'; DROP TABLE marks; --", "\N{SUN WITH FACE} zon"]
)
def test_a_text_comes_back_as_it_was(visitor: Visitor, text: str) -> None:
    ann = visitor()
    put(ann, geometry=POINT, reason=text)
    answer = ann.get("/marks")
    assert answer.json()["features"][0]["properties"]["reason"] == text
    assert answer.headers["Content-Type"] == "application/geo+json"


@pytest.mark.parametrize(
    "query",
    ["bbox=1,2,3", "bbox=5,52,4,53", "bbox=nan,1,2,3", "limit=0", "limit=5001", "after=-1",
     f"after={2**70}", "status=secret", "bbox=1,2,3,4;DROP"],
)  # fmt: skip
def test_faulty_queries_are_refused(visitor: Visitor, query: str) -> None:
    assert visitor().get(f"/marks?{query}").status_code == 400


@pytest.mark.parametrize("id", ["x", "a" * 22, "%27%20OR%201=1", "..%2f..", "a" * 65])
def test_an_id_that_is_none(visitor: Visitor, id: str) -> None:
    assert visitor().get(f"/marks/{id}").status_code in (400, 404)
    assert visitor().delete(f"/marks/{id}").status_code in (400, 404)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Path]:
    """A generated quarter and a run of it."""
    folder = tmp_path_factory.mktemp("quarter")
    files = generated(folder / "in", size=(300.0, 300.0), resolution=1)
    judge(files, folder / "quarter")
    return files, folder / "quarter"


def test_the_wish_is_a_restriction(small: tuple[Files, Path], tmp_path: Path) -> None:
    files, out = small
    table = table_of(out)
    judged = table[table["rejected"].isna()]
    app = app_of(Settings(data=(str(out),), state=tmp_path / "state", marks_a_day=50))
    here, marked, told = browser(app), judged["row"].iloc[::7].tolist(), {}
    for n, row in enumerate(marked):
        what = ("panels", "turbines", "both")[n % 3]
        told[row] = {"panels": "solar", "turbines": "wind"}.get(what, what)
        put(here, collection="quarter", row=row, what=what)
    put(here, collection="quarter", row=int(judged["row"].iloc[1]), kind="chance", what="both")
    refused = put(here, collection="quarter", row=int(judged["row"].iloc[2]))["id"]
    for each in here.get("/marks").json()["features"]:
        status = "rejected" if each["id"] == refused else "approved"
        here.patch(f"/marks/{each['id']}", json={"status": status})
    file = tmp_path / "wishes.geojson"
    file.write_bytes(here.get("/marks/restrictions").content)
    again = judge(files, tmp_path / "again", restrictions=str(file))
    excluded = again["excluded"].dropna()
    assert excluded.to_dict() == told
    assert table["excluded"].isna().all()
    file_of_command = tmp_path / "same.geojson"
    words = ("marks", "export", file_of_command, "--restrictions", "--state", tmp_path / "state")
    assert call(*words).exit_code == 0
    found, same = (json.loads(each.read_bytes()) for each in (file, file_of_command))
    assert [each["properties"]["reason"] for each in same["features"]] == [""] * len(marked)
    assert found == same


def test_an_area_is_a_restriction(small: tuple[Files, Path], tmp_path: Path) -> None:
    files, out = small
    table = table_of(out)
    app = app_of(Settings(data=(str(out),), state=tmp_path / "state"))
    here = browser(app)
    row = table[table["rejected"].isna()].iloc[0]
    roof = put(here, collection="quarter", row=int(row["row"]), kind="chance", what="both")
    x, y = shapely.geometry.shape(roof["geometry"]).centroid.coords[0]
    area = put(here, geometry=square(0.001, x - 0.0005, y - 0.0005), what="both")
    here.patch(f"/marks/{area['id']}", json={"status": "approved"})
    file = tmp_path / "wishes.geojson"
    file.write_bytes(here.get("/marks/restrictions").content)
    again = judge(files, tmp_path / "again", restrictions=str(file))
    centres = shapely.points(table[["centre_x", "centre_y"]].astype(float).to_numpy())
    mark = app.state.service.marks.find(area["id"], MarkQuery(all=True))
    inside = shapely.contains(mark.target.shape, centres)
    assert inside.sum() > 1
    assert again["excluded"].notna().tolist() == inside.tolist()
