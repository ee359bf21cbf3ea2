"""The index of addresses at the size of a town and of the nation: bytes, and time of a search.

    python -m bench.addresses --addresses 50000 9900000 --folder DIR

Streets, numbers and postcodes are generated: as many streets a place and homes a street as the
country has, and names of which some are in hundreds of places.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.addresses.index import AddressIndex, postcode_text, write_index
from pipeline.addresses.read import AddressBatch
from pipeline.addresses.search import search

HOMES, STREETS = 40, 100  # a street, a place: 9.9 million homes stand in 250,000 streets
COMMON = ("Dorpsstraat", "Kerkstraat", "Molenweg", "Schoolstraat", "Julianastraat")
SYLLABLES = ("berg", "dal", "bos", "kerk", "molen", "veen", "water", "hout", "zand", "rijk", "wil",
             "hel", "ma", "jan", "pie", "ter", "noord", "zuid", "oost", "west")  # fmt: skip
ENDINGS = ("straat", "laan", "weg", "plein", "hof", "dijk", "kade", "singel")
ROUNDS = 40  # searches of a kind, each of another address
SEED = 17


class Measured(NamedTuple):
    """Processor time of searches of a kind [ms]."""

    kind: str
    median: float
    most: float


def batches(number: int) -> Iterator[AddressBatch]:
    """So many generated addresses, place by place."""
    rng = np.random.default_rng(SEED)
    for place in itertools.count():
        size = min(number, HOMES * STREETS)
        if size <= 0:
            return
        yield _place(rng, place, size)
        number -= size


def _place(rng: np.random.Generator, place: int, size: int) -> AddressBatch:
    names = [*COMMON, *(_name(rng) for _ in range(STREETS - len(COMMON)))]
    streets = np.arange(size) // HOMES
    x, y = 20_000 + 5_000 * (place % 50), 310_000 + 5_000 * (place // 50)
    codes = (1000 + place) * 676 + streets * 2 + (np.arange(size) % HOMES) // 20
    buildings = 10**15 + place * 10**6 + np.arange(size)
    return AddressBatch(
        [names[street] for street in streets],
        np.arange(size, dtype=np.int64) % HOMES + 1,
        [""] * size,
        [postcode_text(code).replace(" ", "") for code in codes.tolist()],
        [f"{SYLLABLES[place % 20]}{SYLLABLES[place // 20 % 20]}dorp {place}".capitalize()] * size,
        [(building,) for building in buildings.tolist()],
        np.column_stack([x + 20 * streets, y + 10 * (np.arange(size) % HOMES)]).astype(float),
    )


def _name(rng: np.random.Generator) -> str:
    parts = rng.choice(SYLLABLES, 3)
    return f"{parts[0]}{parts[1]}{parts[2]}{rng.choice(ENDINGS)}".capitalize()


def texts(index: AddressIndex) -> dict[str, list[str]]:
    """Texts of each kind, of addresses from everywhere in an index."""
    rng = np.random.default_rng(SEED)
    ids = rng.integers(1, index.counts.addresses + 1, ROUNDS)
    sql = """SELECT s.name, a.number, a.postcode, p.name FROM address a
             JOIN street s ON s.id = a.street JOIN place p ON p.id = s.place WHERE a.id = ?"""
    rows = [index.rows(sql, [int(id_)])[0] for id_ in ids]
    every: dict[str, list[str]] = {
        "street and number": [f"{s} {n}" for s, n, _, _ in rows],
        "with its place": [f"{s} {n}, {p}" for s, n, _, p in rows],
        "postcode and number": [f"{postcode_text(c)} {n}" for _, n, c, _ in rows],
        "a street in every place": [f"{COMMON[i % 5]} {i % HOMES + 1}" for i in range(ROUNDS)],
        "begun": [f"{s[:5]}" for s, *_ in rows],
        "begun, of one letter": [f"{s[0]}" for s, *_ in rows],
        "misspelt": [f"{s[:4]}{s[5]}{s[4]}{s[6:]} {n}" for s, n, _, _ in rows],
    }
    return every


def measured(index: AddressIndex) -> list[Measured]:
    """How long searches take, kind by kind."""
    near = (120_000.0, 480_000.0)
    results = []
    for kind, some in texts(index).items():
        times = []
        for text in some:
            began = time.process_time()
            search(index, text, 10, near)
            times.append(1000 * (time.process_time() - began))
        results.append(Measured(kind, float(np.median(times)), max(times)))
    return results


def main() -> None:
    """Make indexes of so many addresses, and print what they take."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--addresses", type=int, nargs="+", default=[50_000, 9_900_000])
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    for number in options.addresses:
        file = options.folder / f"addresses-{number}.sqlite"
        file.unlink(missing_ok=True)
        began = time.process_time()
        write_index(file, batches(number))
        took = time.process_time() - began
        print(f"{number:,} addresses: {file.stat().st_size / 1e6:,.0f} MB, made in {took:,.0f} s")
        for each in measured(AddressIndex(file)):
            print(f"  {each.kind:<26}{each.median:8.1f} ms, at most {each.most:.1f} ms")


if __name__ == "__main__":
    main()
