"""What of a plane lies far enough from all else, and what grows over a roof.

Both read the numbers of planes in a building's window: 0 outside, REST in no plane.
"""

from kernels.compile import kernel
from kernels.plane_fit import height
from kernels.plane_grow import BESIDE, plane_of
from kernels.plane_seeds import PAD, WILD

REST = 255
UNREACHED = 0


@kernel
def _steps_to_others(field, number, steps):  # type: ignore[no-untyped-def]
    """How many rows away the nearest cell with another number is, along each column."""
    rows = len(field.begin)
    for y in range(PAD, rows - PAD):
        for x in range(field.begin[y], field.end[y]):
            steps[y, x] = 1 if number[y - 1, x] != number[y, x] else steps[y - 1, x] + 1
    for y in range(rows - PAD - 1, PAD - 1, -1):
        for x in range(field.begin[y], field.end[y]):
            below = 1 if number[y + 1, x] != number[y, x] else steps[y + 1, x] + 1
            steps[y, x] = min(steps[y, x], below)


@kernel
def _is_free(number, steps, y, x, setback):  # type: ignore[no-untyped-def]
    """Whether a cell is further than the set-back [cells] from all cells with another number."""
    square = setback * setback
    for way in (-1, 1):
        right = 0
        while right * right <= square:
            at = x + way * right
            if number[y, at] != number[y, x]:
                return False
            if right * right + steps[y, at] * steps[y, at] <= square:
                return False
            right += 1
    return True


@kernel
def free_cells(field, number, setback, free):  # type: ignore[no-untyped-def]
    """Count each plane's cells whose centre is further than the set-back from that of every cell
    outside the plane. field: its ranks are overwritten; number: (rows, columns) uint8; setback
    [cells]; free: (planes,) int64, not 0 for the planes that are asked for, gets the counts."""
    steps = field.rank
    _steps_to_others(field, number, steps)
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            n = number[y, x]
            if 0 < n < REST and free[n - 1] and _is_free(number, steps, y, x, setback):
                free[n - 1] += 1
    for n in range(len(free)):
        free[n] -= free[n] > 0


@kernel
def _reach(number, nearest, y, x):  # type: ignore[no-untyped-def]
    """The lowest number of the planes that are as near as any, for a cell beside reached ones."""
    best = REST
    for down, right in BESIDE:
        n = nearest[y + down, x + right]
        if n > UNREACHED and number[y + down, x + right] > 0:
            best = min(best, n)
    return best


@kernel
def overgrown_cells(field, number, regions, order, room, above):  # type: ignore[no-untyped-def]
    """Count the cells of the rest that stand more than `above` [cm] over the nearest plane,
    continued to them: by steps to the four neighbours over own cells, of equally near ones the
    first plane. field: its labels are overwritten; order: the region of each plane."""
    nearest, members, moves, rest, n = field.label, room.members, room.moves, 0, 0
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            nearest[y, x] = number[y, x] if number[y, x] < REST else UNREACHED
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if number[y, x] == REST and _reach(number, nearest, y, x) < REST:
                members[n, 0], members[n, 1] = y, x
                n += 1
    k = 0
    while k < n:
        ring = n
        for m in range(k, ring):  # all of a ring before any: they do not reach each other
            y, x = members[m]
            moves[m] = _reach(number, nearest, y, x)
        for m in range(k, ring):
            y, x = members[m]
            nearest[y, x] = moves[m]
            level = height(plane_of(regions, order[moves[m] - 1]), x, y)
            rest += field.z[y, x] < WILD and field.z[y, x] > level + above
        for m in range(k, ring):
            for down, right in BESIDE:
                i, j = members[m, 0] + down, members[m, 1] + right
                if number[i, j] == REST and nearest[i, j] == UNREACHED:
                    nearest[i, j] = -1
                    members[n, 0], members[n, 1] = i, j
                    n += 1
        k = ring
    return rest
