"""A method: its parameters, its reach, what it does to a block, what it says of a building."""

from pipeline.methods.powermapping.rules import NAME, Powermapping

METHODS: dict[str, type[Powermapping]] = {NAME: Powermapping}
