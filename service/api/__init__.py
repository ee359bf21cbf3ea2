"""The HTTP interface: it parses, asks one function of a lower room, and answers."""
