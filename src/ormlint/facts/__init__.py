"""One source file in, one compact record out: the only package that knows syntax trees, and that imports LibCST."""
