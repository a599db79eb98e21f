"""ACME101: a mapped class whose table is not named in the plural.

**What is wrong.** Our database names tables in the plural; one that is not is found by nobody.
"""

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model


def check(model: Model) -> Iterator[Finding]:
    for mapped in model.mapped_models:
        if mapped.table is not None and not mapped.table.endswith("s"):
            message = f'the table "{mapped.table}" of {mapped.name} is not named in the plural; add the s'
            yield Finding("ACME101", "table-name-in-plural", mapped.at, message, Confidence.certain)


RULES = (Rule("ACME101", "table-name-in-plural", "A table is not named in the plural.", check),)
