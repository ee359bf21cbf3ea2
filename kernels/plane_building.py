"""A building from its heights to its planes: taken into its own window, segmented, numbered."""

from typing import NamedTuple

import numpy as np

from kernels.compile import kernel
from kernels.plane_cells import (
    count_holes,
    count_mixed,
    drop_outliers,
    drop_small,
    part_again,
    region_of,
)
from kernels.plane_fit import FIELDS, N, height
from kernels.plane_grow import NEAR, GrowthRules, Regions, Room, grow, grow_left, plane_of
from kernels.plane_merge import merge_alike, settle
from kernels.plane_seeds import (
    ALL_BUCKETS,
    MISSING,
    NARROW,
    NONE,
    OUTSIDE,
    PAD,
    REACH,
    ROUGH,
    WIDE,
    WILD,
    Field,
    fit_cells,
    order_seeds,
)
from kernels.plane_use import REST, free_cells, overgrown_cells
from kernels.rings import resized
from kernels.zonal import NO_HEIGHT

MOST_PLANES = 254
SAMPLES = 9  # of a building's heights, whose median is its level
EARLY, LATE = 2, 3  # rounds in which cells move, at most
MUCH = 50  # cells of a rough plane, at least


class Rules(NamedTuple):
    """What planes are made by. unit: centimetres of a cell's side; least: cells of a plane;
    flat: slope below which a plane is flat [cm per cell]; setback [cells]; above: height over a
    plane from which a cell is overgrown [cm]."""

    unit: float
    least: int
    flat: float
    setback: float
    above: float


@kernel
def _level(cm, spans, f):  # type: ignore[no-untyped-def]
    """A height of the building that one faulty cell does not move far [cm]."""
    values, n = np.empty(SAMPLES, np.int64), 0
    runs = spans.start[f + 1] - spans.start[f]
    for k in range(SAMPLES):
        s = spans.start[f] + runs * k // SAMPLES
        value = cm[spans.row[s], (spans.begin[s] + spans.end[s]) // 2]
        if value != NO_HEIGHT:
            values[n] = value
            n += 1
    return np.sort(values[:n])[n // 2] if n else _first(cm, spans, f)


@kernel
def _first(cm, spans, f):  # type: ignore[no-untyped-def]
    for s in range(spans.start[f], spans.start[f + 1]):
        for j in range(spans.begin[s], spans.end[s]):
            if cm[spans.row[s], j] != NO_HEIGHT:
                return np.int64(cm[spans.row[s], j])
    return np.int64(0)


@kernel
def _take(cm, spans, f, box, level, field):  # type: ignore[no-untyped-def]
    """Copy a building into its field. Returns its cells, and those with data."""
    own = known = 0
    field.label[:] = OUTSIDE
    field.z[:] = MISSING
    field.begin[:] = field.z.shape[1]
    field.end[:] = 0
    for s in range(spans.start[f], spans.start[f + 1]):
        i = spans.row[s] - box[0] + PAD
        field.begin[i] = min(field.begin[i], spans.begin[s] - box[1] + PAD)
        field.end[i] = max(field.end[i], spans.end[s] - box[1] + PAD)
        for j in range(spans.begin[s], spans.end[s]):
            value = cm[spans.row[s], j]
            up = value - level
            x = j - box[1] + PAD
            field.label[i, x] = NONE
            own += 1
            if value != NO_HEIGHT:
                known += 1
                field.z[i, x] = up if np.abs(up) < REACH else WILD
    return own, known


@kernel
def _segment(field, regions, room, rules):  # type: ignore[no-untyped-def]
    """Give all cells of a building their regions."""
    fit_cells(field, rules.unit)
    room.end[:] = order_seeds(field, room.order)
    regions.used[0] = 1
    usual = GrowthRules(rules.unit, rules.least, NEAR, NEAR)
    left = GrowthRules(rules.unit, rules.least, NEAR, 0.75 * NEAR)
    rough = GrowthRules(rules.unit, max(rules.least, MUCH), 2 * NEAR, ROUGH)
    if grow(field, regions, room, 0.0, WIDE, usual):
        settle(field, regions, room, EARLY)
    if grow(field, regions, room, WIDE, ROUGH, rough):
        settle(field, regions, room, EARLY)
    if grow(field, regions, room, NARROW, NARROW + WIDE, usual):
        settle(field, regions, room, 1)
    if grow_left(field, regions, room.members, left):
        settle(field, regions, room, 1)
    merge_alike(field, regions, rules.unit)
    settle(field, regions, room, LATE)
    if drop_small(field, regions, rules.least):
        settle(field, regions, room, LATE)
    drop_outliers(field, regions, room)
    part_again(field, regions, room)
    count_mixed(field, regions, room)


@kernel
def _count(field, regions, tally):  # type: ignore[no-untyped-def]
    """Count each region's cells. tally: (regions, 4) int64: cells, sums of their columns and rows
    without the padding, the first of them."""
    tally[: regions.used[0]] = 0
    width = field.label.shape[1]
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            r = region_of(field.label[y, x])
            if r > NONE:
                if tally[r, 0] == 0:
                    tally[r, 3] = y * width + x
                tally[r, 0] += 1
                tally[r, 1] += x - PAD
                tally[r, 2] += y - PAD


@kernel
def _rank(tally, count, least, number):  # type: ignore[no-untyped-def]
    """Number the regions of `least` cells or more. number: (regions,) int64, REST for those that
    have none. Returns the regions in the order of their numbers, and how many there were."""
    kept = np.flatnonzero(tally[:count, 0] >= least)
    first = np.argsort(tally[kept, 3], kind="mergesort")
    kept = kept[first]
    kept = kept[np.argsort(-tally[kept, 0], kind="mergesort")]
    number[:count] = REST
    for n in range(min(len(kept), MOST_PLANES)):
        number[kept[n]] = n + 1
    return kept[:MOST_PLANES], len(kept)


@kernel
def _give(spans, f, box, field, shown, number, fitted):  # type: ignore[no-untyped-def]
    """Write each cell's plane, in the order of the runs."""
    k = 0
    for s in range(spans.start[f], spans.start[f + 1]):
        i = spans.row[s] - box[0] + PAD
        for j in range(spans.begin[s] - box[1] + PAD, spans.end[s] - box[1] + PAD):
            number[k], fitted[k] = shown[i, j], field.label[i, j] > NONE and shown[i, j] < REST
            k += 1


@kernel
def _show(field, numbers, shown):  # type: ignore[no-untyped-def]
    """The number of each cell's plane: 0 outside, REST for none."""
    numbers[NONE] = REST
    for y in range(shown.shape[0]):
        for x in range(shown.shape[1]):
            r = region_of(field.label[y, x])
            shown[y, x] = 0 if r == OUTSIDE else numbers[r]


@kernel
def _lay(regions, tally, order, whole, real, n):  # type: ignore[no-untyped-def]
    """Write the planes of a building from row n of the tables on."""
    for k in range(len(order)):
        r, row = order[k], n + k
        plane, cells = plane_of(regions, r), tally[r, 0]
        x, y = tally[r, 1] / cells, tally[r, 2] / cells
        whole[row, 0], whole[row, 1], whole[row, 2] = cells, regions.sums[r, N], 0
        real[row, 0], real[row, 1] = x, y
        real[row, 2] = height(plane, x + PAD, y + PAD)
        real[row, 3], real[row, 4], real[row, 5] = plane.east, plane.south, plane.spread


@kernel
def _window(room, rows, columns):  # type: ignore[no-untyped-def]
    return room[: rows * columns].reshape(rows, columns)


@kernel
def all_planes(cm, spans, boxes, rules, start, counts, number, fitted):  # type: ignore[no-untyped-def]
    """The planes of all buildings. boxes: (footprints, 4) int64, top, left, rows and columns of
    each own window; start, counts, number, fitted are filled. Returns the integers and the real
    numbers of each plane."""
    cells = most = area = 0
    for f in range(len(boxes)):
        cells = 0
        for s in range(spans.start[f], spans.start[f + 1]):
            cells += spans.end[s] - spans.begin[s]
        most = max(most, cells)
        area = max(area, (boxes[f, 2] + 2 * PAD) * (boxes[f, 3] + 2 * PAD))
    levels, slopes = np.empty((2, area), np.int32), np.empty((4, area), np.float32)
    numbers, seen = np.empty(most + 2, np.uint8), np.empty(area, np.uint8)
    rows = boxes[:, 2].max() + 2 * PAD if len(boxes) else 0
    begin, end = np.empty(rows, np.int64), np.empty(rows, np.int64)
    room = Room(
        np.empty(most, np.int64),
        np.empty(ALL_BUCKETS + 1, np.int64),
        np.empty((most + 1, 2), np.int32),
        np.empty(most + 1, np.int32),
    )
    many = most // min(rules.least, 8) + 3
    regions = Regions(
        np.empty((many, FIELDS), np.int64), np.empty((many, 6)), np.zeros(1, np.int64)
    )
    tally = np.empty((many, 4), np.int64)
    whole, real, n, done = np.empty((64, 3), np.int64), np.empty((64, 6)), 0, 0
    for f in range(len(boxes)):
        rows, columns = boxes[f, 2] + 2 * PAD, boxes[f, 3] + 2 * PAD
        field = Field(
            _window(levels[0], rows, columns),
            _window(levels[1], rows, columns),
            _window(slopes[0], rows, columns),
            _window(slopes[1], rows, columns),
            _window(slopes[2], rows, columns),
            _window(slopes[3], rows, columns),
            begin[:rows],
            end[:rows],
        )
        shown = _window(seen, rows, columns)
        level = _level(cm, spans, f) if spans.start[f + 1] > spans.start[f] else np.int64(0)
        own, known = _take(cm, spans, f, boxes[f], level, field)
        _segment(field, regions, room, rules)
        if known < own:
            count_holes(field, room.members)
        _count(field, regions, tally)
        order, found = _rank(tally, regions.used[0], rules.least, numbers)
        _show(field, numbers, shown)
        whole, real = resized(whole, n + len(order)), resized(real, n + len(order))
        _lay(regions, tally, order, whole, real, n)
        for k in range(len(order)):
            real[n + k, 2] += level
        _give(spans, f, boxes[f], field, shown, number[done:], fitted[done:])
        for k in range(len(order)):
            east, south = real[n + k, 3], real[n + k, 4]
            whole[n + k, 2] = east * east + south * south < rules.flat * rules.flat
        if whole[n : n + len(order), 2].any():
            free_cells(field, shown, rules.setback, whole[n : n + len(order), 2])
        if len(order) and whole[n : n + len(order), 0].sum() < own:
            counts[f, 2] = overgrown_cells(field, shown, regions, order, room, rules.above)
        counts[f, 0], counts[f, 1], counts[f, 3] = own, known, found
        n += len(order)
        done += own
        start[f + 1] = n
    return whole[:n], real[:n]
