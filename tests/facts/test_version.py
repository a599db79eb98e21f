"""The cache is keyed by EXTRACTOR_VERSION, so it must change whenever the same source gives another record."""

from __future__ import annotations

import hashlib

from tricky import TRICKY

from ormlint.facts.cache import encode
from ormlint.facts.extract import extract
from ormlint.facts.records import EXTRACTOR_VERSION

SEEN = {1: "564b0b42d66b7777", 2: "564b0b42d66b7777", 3: "6e837e53e438fafe"}
"""What the records of the tricky snippets, encoded, hash to in each version; the second has two readers, which say the same of these, the
third tells words."""


def test_another_record_needs_another_version() -> None:
    found = hashlib.sha256()
    for name in sorted(TRICKY):
        found.update(encode(extract(TRICKY[name].encode())))
    assert SEEN.get(EXTRACTOR_VERSION) == found.hexdigest()[:16], "raise EXTRACTOR_VERSION and add what its records hash to"
