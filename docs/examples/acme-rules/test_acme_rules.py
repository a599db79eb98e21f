from pathlib import Path

import pytest

from ormlint.testing import suite_cases


@pytest.mark.parametrize("case", suite_cases(Path(__file__).parent / "ACME101-table-name-in-plural.md"), ids=lambda case: case.id)
def test_suite(case):
    case.check()
