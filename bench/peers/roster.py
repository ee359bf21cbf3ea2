"""The peers, how each is installed, and its tasks, in one place.

Only the standard library: the Python that installs the peers has nothing else.
"""

from typing import NamedTuple

ALL = 1 << 30


class Peer(NamedTuple):
    """module: of `bench.peers.programs`; tasks: each with the most cells along a side that it does
    in seconds; install: what pip is told, call by call; or command: what must be on PATH."""

    name: str
    module: str
    tasks: dict[str, int]
    install: tuple[str, ...] = ()
    command: str = ""


PEERS = (
    # Not `gdal`, of which PyPI has the source only.
    Peer("GDAL", "gdal", {"hillshade": ALL, "slope": ALL}, ("gdal-wheel==3.13.3",)),
    Peer(
        "xarray-spatial",
        "xarray_spatial",
        {"hillshade": ALL, "slope": ALL, "sky view": 400, "sums per building": 1000},
        ("xarray-spatial==0.10.20",),
    ),
    Peer("solweig", "solweig", {"cast shadow": 1000, "sky view": 400}, ("solweig==0.1.0b96",)),
    Peer("umep", "umep", {"cast shadow": 1000, "sky view": 200}, ("umep==0.0.1b47",)),
    Peer(
        "whitebox",
        "whitebox",
        {"hillshade": 2000, "cast shadow": 1000, "horizon": 1000, "sky view": 400},
        ("whitebox-workflows==2.0.6",),
    ),
    # Without what it depends on: that is `gdal`, which it uses for files only.
    Peer(
        "rvt",
        "rvt",
        {"hillshade": 2000, "cast shadow": 1000, "sky view": 400},
        ("--no-deps rvt-py==2.2.1",),
    ),
    # Built here, with the pkg_resources that setuptools has given up.
    Peer(
        "topocalc",
        "topocalc",
        {"cast shadow": 1000, "horizon": 1000, "sky view": 400},
        ("setuptools<80 wheel cython numpy", "--no-build-isolation topocalc==0.5.0"),
    ),
    Peer(
        "scipy",
        "scipy",
        {"higher within 100 m": 2000, "sums per building": ALL},
        ("scipy==1.18.1",),
    ),
    Peer("numpy", "numpy", {"sums per building": ALL}, ("numpy",)),
    Peer("exactextract", "exactextract", {"sums per building": 2000}, ("exactextract==0.3.0",)),
    Peer("rasterstats", "rasterstats", {"sums per building": 1000}, ("rasterstats==0.21.0",)),
    Peer(
        "SAGA",
        "saga",
        {"hillshade": 1000, "cast shadow": 1000, "sky view": 400},
        command="saga_cmd",
    ),
    Peer(
        "GRASS",
        "grass",
        {"hillshade": 1000, "cast shadow": 400, "horizon": 400, "a year of sun": 200},
        command="grass",
    ),
    # What it computes with; itself it is a plugin of QGIS, taken from a checkout.
    Peer("SEBE", "sebe", {"a year of sun": 400}, ("numpy",)),
)
