"""The quick reader: Python's own parser and a walk over what it gives, for every file that the running Python understands.

It makes the very records that the lossless reader makes (`facts.lossless`, which has the last word on every other file); the module
`source` knows positions, `strings` what stands between quotes, the others one kind of node each.
"""
