"""What the project means: names, classes, values and effects, computed from records alone."""
