"""The map as a picture: frame, legend, colours."""
