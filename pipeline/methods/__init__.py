"""The methods by name: what each declares, and what tasks compute by it."""

from pipeline.methods.method import Method
from pipeline.methods.powermapping.declaration import POWERMAPPING

METHODS: dict[str, Method] = {POWERMAPPING.name: POWERMAPPING}
DEFAULT = POWERMAPPING.name
