"""The march of the horizon: SIDE cells of a row see a list of samples, in one vector register.

Numba keeps no vector across the iterations of a loop (with local arrays it takes 0.06-0.1 ns a
sample and cell, so 0.04); these loops are written for LLVM itself. A sample that is NaN is not
higher, so it is no obstacle. Subtraction and multiplication are rounded one by one, never fused:
the plain functions at the end give the same bits.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from kernels.compile import COMPILED
from kernels.simd import SIDE

WORD, REAL = ir.IntType(64), ir.FloatType()
LANES = ir.VectorType(REAL, SIDE)


class _Emitter:
    """Loads, stores and arithmetic on SIDE lanes, for one function that is being generated."""

    def __init__(self, context: Any, builder: Any, kinds: Any, args: Any) -> None:
        self.b = builder
        self.data = [
            context.make_array(kind)(context, builder, arg).data
            if isinstance(kind, types.Array)
            else arg
            for kind, arg in zip(kinds, args, strict=True)
        ]

    def at(self, array: int, index: Any) -> Any:
        return self.b.gep(self.data[array], [index])

    def scalar(self, array: int, index: Any) -> Any:
        return self.b.load(self.at(array, index))

    def lanes(self, array: int, index: Any) -> Any:
        pointer = self.b.bitcast(self.at(array, index), LANES.as_pointer())
        return self.b.load(pointer, align=4)

    def splat(self, value: Any) -> Any:
        one = self.b.insert_element(ir.Constant(LANES, ir.Undefined), value, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), SIDE), [0] * SIDE)
        return self.b.shuffle_vector(one, one, zeros)

    def raise_to(self, highest: Any, height: Any, own: Any, factor: Any) -> None:
        """highest = max((height - own) x factor, highest), which it stays where that is NaN."""
        seen = self.b.fmul(self.b.fsub(height, own), self.splat(factor))
        before = self.b.load(highest)
        higher = self.b.fcmp_ordered(">", seen, before)
        self.b.store(self.b.select(higher, seen, before), highest)


def _marching(see: Any) -> Any:
    """Generator of a loop over samples: `see(emitter, n)` gives the heights that sample n sees."""

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        e = _Emitter(context, b, signature.args, args)
        begin, end, slot = (e.data[n] for n in (BEGIN, END, SLOT))
        own = e.lanes(OWN, slot)
        highest = cgutils.alloca_once(b, LANES)
        b.store(e.lanes(TANGENT, slot), highest)
        with cgutils.for_range_slice(b, begin, end, WORD(1), WORD) as (n, _):
            e.raise_to(highest, see(e, n), own, e.scalar(FACTORS, n))
        target = b.bitcast(e.at(TANGENT, slot), LANES.as_pointer())
        b.store(b.load(highest), target, align=4)
        return context.get_dummy_value()

    return generate


FIELD, OFFSETS, FACTORS, BEGIN, END, AT, OWN, TANGENT, SLOT, WEIGHTS = range(10)


def _nearest(e: _Emitter, n: Any) -> Any:
    return e.lanes(FIELD, e.b.add(e.data[AT], e.scalar(OFFSETS, n)))


def _between(e: _Emitter, n: Any) -> Any:
    first = e.b.mul(n, WORD(4))
    parts = []
    for k in range(4):
        corner = e.b.add(first, WORD(k))
        height = e.lanes(FIELD, e.b.add(e.data[AT], e.scalar(OFFSETS, corner)))
        parts.append(e.b.fmul(height, e.splat(e.scalar(WEIGHTS, corner))))
    north, south = e.b.fadd(*parts[:2]), e.b.fadd(*parts[2:])
    return e.b.fadd(north, south)


@intrinsic
def _march(
    typing: Any, field: Any, offsets: Any, factors: Any, begin: Any, end: Any, at: Any, own: Any,
    tangent: Any, slot: Any,
) -> Any:  # fmt: skip
    kinds = (field, offsets, factors, begin, end, at, own, tangent, slot)
    return types.void(*kinds), _marching(_nearest)


@intrinsic
def _march_between(
    typing: Any, field: Any, offsets: Any, factors: Any, begin: Any, end: Any, at: Any, own: Any,
    tangent: Any, slot: Any, weights: Any,
) -> Any:  # fmt: skip
    kinds = (field, offsets, factors, begin, end, at, own, tangent, slot, weights)
    return types.void(*kinds), _marching(_between)


def _march_plain(
    field: NDArray[np.float32], offsets: NDArray[np.int64], factors: NDArray[np.float32],
    begin: int, end: int, at: int, own: NDArray[np.float32], tangent: NDArray[np.float32],
    slot: int, weights: NDArray[np.float32] | None = None,
) -> None:  # fmt: skip
    here = slice(slot, slot + SIDE)
    for n in range(begin, end):
        if weights is None:
            seen = field[at + offsets[n] :][:SIDE]
        else:
            corners = range(4 * n, 4 * n + 4)
            a, b, c, d = (field[at + offsets[k] :][:SIDE] * weights[k] for k in corners)
            seen = (a + b) + (c + d)
        tangent[here] = np.fmax(tangent[here], (seen - own[here]) * factors[n])


# march(field, offsets, factors, begin, end, at, own, tangent, slot): cells at to at + SIDE of the
# flat `field` look at the cells `offsets` away, samples begin to end, and tangent[slot : slot +
# SIDE] becomes the highest (height - own) x factor. march_between(..., weights): each sample is
# the weighted sum of four cells, offsets and weights 4 n to 4 n + 3.
march = _march if COMPILED else _march_plain
march_between = _march_between if COMPILED else _march_plain
