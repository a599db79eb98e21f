"""Which kind of the vocabulary a library's name or an abstract value is: the bridge between values and `orms`."""

from __future__ import annotations

from ormlint.orms import registry as orms
from ormlint.semantics.values import Factory, LibInstance, Query, Result, Session, Value


def kind_of(qualname: str) -> str:
    """The vocabulary's kind of a library's class or function, or ""."""
    row = orms.CLASSES.get(qualname)
    return row.kind if row is not None else ""


def kind_of_value(value: Value) -> str:
    """The vocabulary's kind of a value, or ""."""
    kind = type(value)
    if kind is Session:
        assert isinstance(value, Session)
        if value.scoped:
            return "async_scoped_session" if value.is_async else "scoped_session"
        return "async_session" if value.is_async else "session"
    if kind is Query:
        assert isinstance(value, Query)
        return value.style
    if kind is Result:
        assert isinstance(value, Result)
        shape = {"rows": "result", "scalars": "scalar_result", "mappings": "mapping_result"}[value.shape]
        return f"async_{shape}" if value.is_async else shape
    if kind is Factory:
        assert isinstance(value, Factory)
        return "async_session_factory" if value.is_async else "session_factory"
    if kind is LibInstance:
        assert isinstance(value, LibInstance)
        return value.cls
    return ""
