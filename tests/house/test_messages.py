"""Sentences made of templates: in English as they were, in Dutch by one table."""

import ast
import json
import pickle
import re
from pathlib import Path
from string import Formatter

import pytest

from pipeline.errors import EmptyAreaError, InputError, Kind
from pipeline.fetch.manifest import OccupiedError
from pipeline.fetch.web import WebError
from pipeline.messages import Text, of_json, sentences, to_json, translated
from pipeline.results.printed import warnings
from pipeline.results.report import warned
from pipeline.terms import Field, File
from service.cli.say import words
from service.core.faults import Faults
from tests.service.cli.test_cli_faults import FAULTS as CASES
from tests.support.commands import arguments, call
from tests.support.runs import Files


def kinds(error: type) -> list[type]:
    """A class and all below it."""
    return [error, *(kind for each in error.__subclasses__() for kind in kinds(each))]


ROOT = Path(__file__).parents[2]
ROOMS = ("pipeline", "service")
FAULTS = {each.__name__ for each in (*kinds(InputError), OccupiedError)}
OWN = {"place", "remedy"}  # of a fault, beside the values of its templates
MAKERS = {"Text", *FAULTS, *(each.__name__ for each in kinds(WebError))}
# What these say goes to clients of the service only, as JSON, in English.
FOR_CLIENTS = (
    "pipeline/results/filter", "service/api", "service/jobs",
    "service/marks/geojson.py", "service/processes",
)  # fmt: skip
LINES = {"say", "tell", "sentence"}  # of the command line (service/cli/say.py)
DUTCH = sentences("nl")
OPTION = re.compile(r"(?<![\w-])--[a-z]")


def parts(call: ast.Call) -> list[ast.expr]:
    """What a sentence is made of, as it stands in a call: of a fault problem and remedy, and each
    may be one of two."""
    remedy = [keyword.value for keyword in call.keywords if keyword.arg == "remedy"]
    given = [*call.args[1:], *remedy] if is_fault(call) else call.args[:1]
    either = [[node.body, node.orelse] if isinstance(node, ast.IfExp) else [node] for node in given]
    return [node for nodes in either for node in nodes]


def templates(call: ast.Call) -> list[str]:
    """Those parts that are written there; others are Texts made elsewhere."""
    values = [node.value for node in parts(call) if isinstance(node, ast.Constant)]
    return [value for value in values if isinstance(value, str)]


def calls(name: str) -> list[ast.Call]:
    """The calls in a module that make a sentence."""
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    makers = MAKERS | (LINES if name.startswith("service") else set())
    return [n for n in nodes if isinstance(n.func, ast.Name) and n.func.id in makers]


def is_fault(call: ast.Call) -> bool:
    """Whether it makes a fault of the caller."""
    return isinstance(call.func, ast.Name) and call.func.id in FAULTS


def literals(name: str) -> set[str]:
    """All texts that stand in a module."""
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {node.value for node in nodes if isinstance(node.value, str)}


def modules() -> list[str]:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [str(path.relative_to(ROOT)) for path in paths]


def named(template: str) -> set[str]:
    """What stands in a template, with how it is written."""
    parts = Formatter().parse(template)
    return {f"{name}!{conversion}" for _, name, _, conversion in parts if name is not None}


def has_words(template: str) -> bool:
    return bool(re.search("[a-z]", re.sub(r"\{[^}]*\}", "", template)))


def test_a_fault_is_source_place_problem_and_remedy() -> None:
    place = Text("row {row}", row=3)
    fault = EmptyAreaError(
        File("/data/a.csv"), "{n:,} rows", "give {fewer}", place=place, n=12345, fewer=Text("9")
    )
    assert str(fault) == "a.csv: row 3: 12,345 rows; give 9"
    assert (fault.kind, fault.source, fault.place) == (Kind.EMPTY, File("/data/a.csv"), place)
    assert (fault.problem, fault.remedy) == ("12,345 rows", "give 9")
    assert (
        str(InputError(Field("block", 3), remedy="give 16 or more")) == "block 3: give 16 or more"
    )
    assert str(InputError(File("b.laz"), "no {source} here", "{x}", x=1)) == "no b.laz here; 1"
    assert str(InputError("as {it} stands", "{so}")) == "as {it} stands: {so}"
    again = Text("run it again with {overwrite}", overwrite=Field("overwrite"))
    assert InputError("a", "{n} are", again, n=2).remedy is again


def test_a_fault_comes_whole_from_another_process() -> None:
    fault = EmptyAreaError(
        Field("area", "x"), "{n} of {source}", "go", place="there", n=Text("row {row}", row=3)
    )
    came = pickle.loads(pickle.dumps(fault))
    assert (type(came), str(came), came.source) == (EmptyAreaError, str(fault), fault.source)
    assert came.problem.values["n"].template == "row {row}"


def test_dutch_stands_in_the_table_to_any_depth() -> None:
    rows = Text("rows {first} to {last}", first=1, last=9)
    cut = "{what} cannot be read ({reason})"
    fault = InputError(
        File("M_1.tif"),
        cut,
        "is the file damaged or cut off? Fetch it again",
        what=rows,
        reason="x",
    )
    assert translated(fault.text, "en") == str(fault)
    assert translated(fault.text, "nl").startswith("M_1.tif: rij 1 tot 9 is niet te lezen (x);")
    assert translated(Text("not in the table: {n}", n=1), "nl") == "not in the table: 1"
    assert translated("not made of parts", "nl") == "not made of parts"


def test_each_door_has_its_own_words() -> None:
    text = Text("{file}: accept it with {allow}", file=Path("/d/x"), allow=Field("allow", "gaps"))
    assert str(text) == "/d/x: accept it with allow gaps"
    assert translated(text, "nl", words) == "/d/x: accept it with --allow gaps"
    assert translated(text, "en", Faults().words) == "x: accept it with the setting allow"
    assert of_json(json.loads(json.dumps(to_json(text)))).values["allow"] == Field("allow", "gaps")


def test_dutch_numbers_are_for_reading_and_what_is_typed_again_keeps_its_point() -> None:
    text = Text("{n:,} {share:.1f} {size:g} {plain}", n=1234, share=0.5, size=0.5, plain=0.5)
    assert translated(text, "nl") == "1.234 0,5 0.5 0.5"


def test_a_list_stands_with_its_format_between() -> None:
    text = Text("{names} and {more:; }", names=["a", "b"], more=(Text("failed"), 1))
    assert str(text) == "a, b and failed; 1"
    assert translated(text, "nl") == "a, b and mislukt; 1"


def test_the_warnings_of_a_report_can_be_said_in_dutch() -> None:
    said = Text(
        "{off:,} of {asked:,} footprints lie beside DSM or DTM; are sheets missing?",
        off=1200, asked=2000,
    )  # fmt: skip
    accounting = json.loads(json.dumps(warned([said, "of an older run"])))
    assert accounting["warnings"] == [said, "of an older run"]
    ours, older = warnings({"accounting": accounting})
    assert translated(ours, "nl").startswith("1.200 van 2.000 panden liggen naast het DSM of DTM")
    assert translated(older, "nl") == "of an older run"
    assert warnings({"accounting": {"warnings": ["of an older run"]}}) == ["of an older run"]


def test_a_text_goes_through_json() -> None:
    text = Text("{n:,} of {what}", n=1200, what=[Text("failed"), "b", Path("c")])
    made = of_json(json.loads(json.dumps(to_json(text))))
    assert (made, made.template) == ("1,200 of failed, b, c", text.template)
    assert translated(made, "nl") == "1.200 of mislukt, b, c"


@pytest.mark.parametrize("module", modules())
def test_every_sentence_of_the_source_has_its_dutch(module: str) -> None:
    for node in calls(module):
        given = {keyword.arg for keyword in node.keywords} - (OWN if is_fault(node) else set())
        free = any(
            isinstance(each, ast.JoinedStr) for part in parts(node) for each in ast.walk(part)
        )
        assert not free, f"line {node.lineno}: give a template and its values, no f-string"
        assert parts(node) or not is_fault(node), f"line {node.lineno}: give a problem or a remedy"
        for template in templates(node) if not module.startswith(FOR_CLIENTS) else ():
            assert template in DUTCH or not has_words(template), template
        places = {part.partition("!")[0] for t in templates(node) for part in named(t)} - {"source"}
        whole = len(templates(node)) == len(parts(node)) and None not in given
        assert not whole or not given or given == places, f"line {node.lineno}: {given} {places}"


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith("pipeline")])
def test_no_sentence_of_the_pipeline_names_an_option(module: str) -> None:
    for template in (template for node in calls(module) for template in templates(node)):
        assert not OPTION.search(template), template


@pytest.mark.parametrize("template", DUTCH)
def test_dutch_says_the_same_of_the_same(template: str) -> None:
    assert named(template) == named(DUTCH[template])


def test_the_table_holds_nothing_that_is_said_no_more() -> None:
    every = set().union(*(literals(module) for module in modules()))
    assert DUTCH.keys() <= every


def test_faults_are_said_in_dutch(files: Files, tmp_path: Path) -> None:
    broken = tmp_path / "R_25GN1.tif"
    broken.write_bytes(b"none")
    words = arguments(files, tmp_path / "out", "--dsm", broken, "--lang", "nl")
    result = call(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("fout: R_25GN1.tif: geen raster dat als DSM te lezen is (")


@pytest.mark.parametrize("fault", CASES)
def test_what_goes_wrong_is_said_in_dutch(files: Files, tmp_path: Path, fault: str) -> None:
    words = arguments(files, tmp_path / "out", *CASES[fault][0])
    english, dutch = call(*words), call(*words, "--lang", "nl")
    assert (english.exit_code, dutch.exit_code) == (2, 2)
    said = dutch.stderr.splitlines()[-1]
    assert said.startswith("fout: ")
    assert said.removeprefix("fout: ") != english.stderr.splitlines()[-1].removeprefix("error: ")


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_command_line_that_cannot_be_read_is_said_in_dutch(place: str) -> None:
    words = ["report", "x", "--format", "y"]
    result = call("--lang", "nl", *words) if place == "before" else call(*words, "--lang=nl")
    assert result.exit_code == 2
    assert "gebruik: " in result.stderr
    assert result.stderr.rstrip().endswith("fout: '--format': kies uit table, json, csv, xlsx")
    assert "fout: de optie --no bestaat niet" in call("plan", "--no", "--lang", "nl").stderr
    assert "fout: '--dsm' ontbreekt" in call("plan", "--lang", "nl").stderr
    assert (
        "fout: '--workers': geef een geheel getal"
        in call("plan", "--lang", "nl", "--workers", "x").stderr
    )
    assert "fout: de opdracht sta bestaat niet" in call("--lang", "nl", "sta").stderr
    assert "Error: No such option" in call("plan", "--no").stderr


def test_progress_warnings_and_plan_are_said_in_dutch(files: Files, tmp_path: Path) -> None:
    words = arguments(files, tmp_path / "out", "--lang", "nl")
    result = call(*words)
    assert result.exit_code == 0, result.stderr
    assert "meten: 1 van 1" in result.stderr
    again = call(*words)
    assert "deze berekening is al klaar" in again.stdout
    planned = call(*arguments(files, tmp_path / "out", "--lang", "nl", command="plan"))
    assert "verwachte tijd" in planned.stdout
