"""A class as the project declares it, and what is mapped of it: columns, relationships, strategies.

Data only; `class_reading` and what it calls read it from the declarations.
"""

from __future__ import annotations

from typing import Union

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.definitions import Symbol
from ormlint.semantics.values import Site


class Attribute(msgspec.Struct, frozen=True):
    """One mapped attribute.

    `kind` is column, relationship, synonym, proxy, hybrid, property (a column_property), composite or query (each read sends a SELECT).
    `many` says whether a relationship holds a collection; `lazy` is its strategy as written, "select" by default.
    """

    name: str
    kind: str
    site: Site
    owner: str = ""
    target: Union[str, None] = None
    many: bool = False
    lazy: str = "select"
    back: Union[str, None] = None
    deferred: bool = False
    primary: bool = False
    foreign: Union[str, None] = None
    type: str = ""
    nullable: bool = False
    collection: str = "list"
    passive_deletes: bool = False
    group: str = ""
    via: tuple[str, ...] = ()
    viewonly: bool = False
    unique: bool = False
    version: bool = False
    generated: bool = False
    """The database makes its value: `server_default` and its like."""
    local: tuple[str, ...] = ()
    """The foreign-key columns that a relationship names."""
    preset: bool = False
    """Its value is made with the object, not when the row is inserted."""
    computed: bool = False
    """A function makes its value where none is given: `default=uuid4`."""
    renewed: bool = False
    """The database, or an SQL expression, gives it a new value with each UPDATE."""


class Model(msgspec.Struct):
    """What is mapped of a class. `style` is declarative, imperative, sqlmodel or flask."""

    cls: str
    table: Union[str, None]
    style: str
    attributes: dict[str, Attribute]
    versioned: bool = False
    version: str = ""
    """The attribute that `version_id_col` names."""
    keys: tuple[frozenset[str], ...] = ()
    """The columns of each unique constraint and index of its table arguments."""
    polymorphic: bool = False
    """Its mapping loads the columns of subclasses with the base class."""
    renewed: tuple[str, ...] = ()
    """The columns that an UPDATE expires, because only the database knows them then."""
    apart: bool = False
    """Its columns stand in several tables."""
    is_made: bool = False
    """No class of the project: a library maps it, for the versions of one."""
    version_of: str = ""
    """The class whose versions it keeps."""
    version_class: str = ""
    """The class that keeps its versions."""


class ClassInfo(msgspec.Struct):
    """A class: its resolved bases, its linearised ancestors (itself first) and its own members."""

    id: str
    name: str
    module: str
    node: r.Class
    bases: tuple[Symbol, ...]
    base_args: tuple[tuple[str, tuple[r.Expr, ...]], ...]
    methods: dict[str, list[str]]
    attrs: dict[str, r.Expr]
    annotations: dict[str, r.Expr]
    keywords: dict[str, r.Expr]
    mro: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    type_params: tuple[str, ...] = ()
    model: Union[Model, None] = None
    is_base: bool = False
    nested: dict[str, str] = {}
