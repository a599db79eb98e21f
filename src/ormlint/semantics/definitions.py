"""What a name can stand for: a class, a function or module of the project, a name of a library, a variable; and where it is bound.

Data only; `symbols` finds it.
"""

from __future__ import annotations

from typing import Union

import msgspec

from ormlint.facts import records as r


class DefinedClass(msgspec.Struct, frozen=True):
    """A class of the project: `id` is `pkg.mod:Outer.Inner`."""

    id: str


class DefinedFunction(msgspec.Struct, frozen=True):
    """A function at the top of a module: `id` is `pkg.mod:name`."""

    id: str


class DefinedModule(msgspec.Struct, frozen=True):
    name: str


class Library(msgspec.Struct, frozen=True):
    """Something that the project imports but does not hold, by its dotted path."""

    name: str


class Variable(msgspec.Struct, frozen=True):
    """A name that is assigned at the top of a module."""

    module: str
    name: str


Symbol = Union[DefinedClass, DefinedFunction, DefinedModule, Library, Variable]


class ClassNode(msgspec.Struct):
    """A class where it is defined. `outer` is the enclosing class or function's id, or ""."""

    id: str
    module: str
    node: r.Class
    outer: str = ""


class FunctionNode(msgspec.Struct):
    """A function where it is defined; `cls` is the class whose method it is, `outer` the enclosing function's id."""

    id: str
    module: str
    node: r.Function
    cls: str = ""
    outer: str = ""


class ImportedName(msgspec.Struct, frozen=True):
    """`from module import name` as a binding; name is None where the module itself is bound."""

    module: str
    name: Union[str, None]


Binding = Union[ImportedName, r.Class, r.Function, r.Expr, None]
