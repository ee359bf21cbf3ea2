"""How much the ground around candidates slows the wind: roughness length and displacement.

Macdonald, R. W., Griffiths, R. F., Hall, D. J. (1998). Atmospheric Environment 32(11).
Kanda, M. et al. (2013). Boundary-Layer Meteorology 148.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.profile import OPEN_Z0, Drag
from pipeline.methods.annual.rules import KANDA
from pipeline.methods.annual.wind.model import Ground

MOST_Z0 = 5.0  # [m]
MOST_SHARE = 0.9  # of the highest, that the displacement may be
LEAST_BLENDING = 60.0  # [m]
A, DRAG, KAPPA = 4.43, 1.2, 0.4  # staggered blocks, their drag coefficient, von Karman's constant

Reals = NDArray[np.float64]


def drag_of(ground: Ground, model: str) -> Drag:
    """The drag of the ground by a model of ROUGHNESS_MODELS, within the limits that profiles need;
    open ground where nothing stands."""
    stands = ground.height > 0.0
    safe = ground._replace(
        height=np.where(stands, ground.height, 1.0), highest=np.where(stands, ground.highest, 1.0)
    )
    roughness, displacement = kanda(safe) if model == KANDA else macdonald(safe)
    return Drag(
        np.where(stands, np.clip(roughness, OPEN_Z0, MOST_Z0), OPEN_Z0),
        np.where(stands, np.clip(displacement, 0.0, MOST_SHARE * ground.highest), 0.0),
        np.maximum(LEAST_BLENDING, 2.0 * (ground.height + 2.0 * ground.deviation)),
    )


def macdonald(ground: Ground) -> tuple[Reals, Reals]:
    """Roughness length and displacement [m] of obstacles of one height."""
    displaced = 1.0 + A**-ground.plan * (ground.plan - 1.0)
    wall = 0.5 * DRAG / KAPPA**2 * (1.0 - displaced) * ground.frontal
    slowed = np.zeros_like(wall)
    np.power(wall, -0.5, out=slowed, where=wall > 0.0)
    length = np.where(wall > 0.0, (1.0 - displaced) * np.exp(-slowed), 0.0)
    return ground.height * length, ground.height * displaced


def kanda(ground: Ground) -> tuple[Reals, Reals]:
    """Roughness length and displacement [m] of obstacles of different heights."""
    x = (ground.deviation + ground.height) / ground.highest
    y = ground.plan * ground.deviation / ground.height
    displaced = -0.17 * x**2 + (1.29 * ground.plan**0.36 + 0.17) * x
    length, _ = macdonald(ground)
    return (20.21 * y**2 - 0.77 * y + 0.71) * length, displaced * ground.highest
