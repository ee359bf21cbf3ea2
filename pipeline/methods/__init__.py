"""A method: its parameters, its reach, what it does to a block, what it says of a building."""
