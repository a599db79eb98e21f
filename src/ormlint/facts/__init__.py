"""One source file in, one compact record out: the only package that imports LibCST."""
