"""Two instructions that Numba does not offer: transposition in registers, and prefetch.

What it vectorises: inner loops over whole one-dimensional slices from index 0, of one element
width, without a branch (`a if c else b` is none), called with C-contiguous arrays (a strided one
makes it scalar: 3 times slower). What it does not: an index that may be negative, a reduction of
floats, a chunk whose end is a `min` (8 times slower), strided loads. `kernel.inspect_asm()` tells.
"""

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from kernels.compile import COMPILED

SIDE = (
    16  # of the tile that is transposed: 16 float32 fill a register of 512 bits, and a cache line
)
LINE = 64  # bytes of a cache line
PIECE = 512  # cells of a row at a time, so that prefetches mix with work: 256 costs 30 % more
WORD, INT = ir.IntType(64), ir.IntType(32)
INTO_L2 = (0, 2, 1)  # llvm.prefetch: for reading, kept in the second cache, data


def _lines(context: Any, b: Any, kind: Any, array: Any, row: Any, column: Any) -> Iterator[Any]:
    """The addresses of SIDE cells of a C-contiguous array's row, from (row, column) on down."""
    layout = context.make_array(kind)(context, b, array)
    stride = b.extract_value(layout.strides, 0)
    width = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    first = b.add(b.mul(row, stride), b.mul(column, WORD(width)))
    first = b.add(b.ptrtoint(layout.data, WORD), first)
    for k in range(SIDE):
        yield b.add(first, b.mul(stride, WORD(k)))


def _transposed(b: Any, rows: list[Any]) -> list[Any]:
    """The transposition of SIDE vectors: four times the halves are interleaved."""
    half = SIDE // 2
    low = [i // 2 + i % 2 * SIDE for i in range(SIDE)]
    masks = [ir.Constant(ir.VectorType(INT, SIDE), [k + at for k in low]) for at in (0, half)]
    for _ in range(4):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [b.shuffle_vector(*pair, mask) for pair in pairs for mask in masks]
    return rows


@intrinsic
def _transpose_tile(typing: Any, source: Any, i: Any, j: Any, target: Any, k: Any, m: Any) -> Any:
    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        element = context.get_data_type(kinds[0].dtype)
        width = context.get_abi_sizeof(element)
        pointer = ir.VectorType(element, SIDE).as_pointer()
        begin = _lines(context, b, kinds[0], *args[:3])
        rows = [b.load(b.inttoptr(at, pointer), align=width) for at in begin]
        end = _lines(context, b, kinds[3], *args[3:])
        for row, at in zip(_transposed(b, rows), end, strict=True):
            b.store(row, b.inttoptr(at, pointer), align=width)
        return context.get_dummy_value()

    return types.void(source, i, j, target, k, m), generate


@intrinsic
def _prefetch(typing: Any, array: Any, i: Any, j: Any) -> Any:
    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        shape = ir.FunctionType(ir.VoidType(), [byte, INT, INT, INT])
        prefetch = b.module.declare_intrinsic("llvm.prefetch", [byte], shape)
        at = next(_lines(context, b, signature.args[0], *args))
        b.call(prefetch, [b.inttoptr(at, byte), *(INT(flag) for flag in INTO_L2)])
        return context.get_dummy_value()

    return types.void(array, i, j), generate


def _transpose_plain(
    source: NDArray[Any], i: int, j: int, target: NDArray[Any], k: int, m: int
) -> None:
    target[k : k + SIDE, m : m + SIDE] = source[i : i + SIDE, j : j + SIDE].T


def _no_prefetch(array: NDArray[Any], i: int, j: int) -> None:
    pass


# target[k : k + SIDE, m : m + SIDE] = source[i : i + SIDE, j : j + SIDE].T
transpose_tile = _transpose_tile if COMPILED else _transpose_plain
# Asks for the cache line of array[i, j]; an address outside the array does no harm.
prefetch = _prefetch if COMPILED else _no_prefetch
