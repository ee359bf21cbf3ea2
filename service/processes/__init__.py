"""What may be asked for: described by JSON Schema, checked, and carried out by one call below."""
