"""The HTTP door: it parses, asks one function of a lower room, and answers."""
