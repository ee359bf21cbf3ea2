"""What citizens mark on the map, and how an operator moderates it."""
