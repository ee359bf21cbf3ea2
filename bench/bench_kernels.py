"""Each kernel beside one copy of the array it reads; and along the axes of its cost."""

from collections.abc import Callable

import pytest

from bench.cases import BY_SIZE, KERNELS, SWEEPS
from bench.scenes import city

SWEPT = [(name, place) for name, sweep in SWEEPS.items() for place in sweep.cases]


@pytest.mark.parametrize("name", KERNELS)
def bench_kernel(paired: Callable[..., None], side: int, name: str) -> None:
    """A kernel on the city."""
    case = KERNELS[name]
    work = case.prepare(city(side))
    target = {"target": case.target._asdict()} if case.target else {}
    paired(name, "kernel", *work, touched=case.touched, **target)


@pytest.mark.parametrize(("sweep", "place"), SWEPT)
def bench_sweep(paired: Callable[..., None], side: int, sweep: str, place: float) -> None:
    """A kernel at a place on an axis, beside itself at the first place."""
    what, unit, cases, _ = SWEEPS[sweep]
    work = cases[place].prepare(city(side))
    first = next(iter(cases.values())).prepare(city(side)).call
    name = f"{what}, {sweep} {place:g} {unit}"
    paired(name, sweep, *work, beside=first, touched=cases[place].touched, x=place, what=what)


@pytest.mark.parametrize("part", [16, 8, 4, 2, 1])
@pytest.mark.parametrize("name", BY_SIZE)
def bench_size(paired: Callable[..., None], side: int, name: str, part: int) -> None:
    """A kernel on a smaller city, beside a copy of the large one."""
    small = side // part
    work = KERNELS[name].prepare(city(small))
    label = f"{name}, {small} x {small} cells"
    paired(label, "size", *work, x=small, what=name)
