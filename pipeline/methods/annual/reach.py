"""What a roof's planes depend on: its own cells alone, and the ground around for its height."""

from pipeline.heights.rasters import PIECE
from pipeline.methods.annual.segments import BESIDE
from pipeline.methods.context import Context
from pipeline.methods.reach import CELL_BYTES, PIECE_BYTES, Influence, Reach


class OwnCells(Influence):
    """A building matters to itself only, however far it reaches."""

    def memory(self, context: Context) -> int:
        """What a worker holds at most: a block with the roofs near it, or one roof that reaches
        farther [bytes]."""
        near = min(context.block, context.layout.shard) + 2 * min(BESIDE, self.widest)
        return CELL_BYTES * max(near, self.widest) ** 2 + PIECE_BYTES * PIECE**2


class RoofReach(Reach):
    """The reach of a method that looks at each roof by itself."""

    def influence(self, context: Context) -> OwnCells:
        """What can matter to what: nothing but the roofs themselves."""
        plain = super().influence(context)
        return OwnCells(plain.surface, plain.widest, plain.radius, plain.tiles, plain.measured)
