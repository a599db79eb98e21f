"""Engines and session factories: where they are built, and whether their builder keeps them.

Takes a frame and a call that builds one; emits an `engine` event, which callers inherit as they do commits. It ends where the engine is
kept: in a global, on an object, in a dictionary, by a function that remembers its result. What still reaches a function that runs again
and again is built anew each time.
"""

from __future__ import annotations

import re

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.dependence import parameters_behind
from ormlint.semantics.events import Event
from ormlint.semantics.frame import Frame
from ormlint.semantics.observations import Summary
from ormlint.semantics.symbols import Symbols, last_name
from ormlint.semantics.values import Coll, Factory, Instance, LibInstance, Manager, Session, Tup, UnionOf, Value

ENGINES = frozenset({"engine", "async_engine"})
_KEEPING = ("set", "register", "configure", "init", "bind", "attach", "add", "append", "put", "push", "install", "instrument", "update")
_REMEMBERING = re.compile(r"cache|memo|singleton|once|fixture|lazy|provide|resource|inject", re.IGNORECASE)
_AT_START = re.compile(
    r"on_event|startup|lifespan|shutdown|listener|listens_for|before_server|before_first|before_serving|command|callback|connect|main|cli|group"
    r"|worker_process_init|hookimpl"
)
_SET_UP = re.compile(
    r"_*(main|cli|app|create_\w+|make_app|build_app|get_app|app_factory|init\w*|initiali[sz]e\w*|set_?up\w*|configure\w*|bootstrap\w*|start\w*"
    r"|on_startup|lifespan|includeme|run_migrations\w*|migrat\w*|upgrade|downgrade|seed\w*|drop_\w+|reset_\w*|install\w*|load_\w+|wait_for\w*"
    r"|check_\w*conn\w*|ping\w*|test_\w*|__\w+__|register\w*|ensure_\w+|provision\w*|populate\w*|import_\w+|export_\w+|dump\w*|backup\w*"
    r"|restore\w*|convert\w*|demo\w*|example\w*|run_?server|serve|repl|shell)"
)


def built(frame: Frame, node: r.Call | r.Node, what: str) -> None:
    """An engine or factory is built at `node`: noted unless that happens when the module is imported, or behind a guard. Options that
    cannot be read (`**options`) may say that it keeps no connections."""
    if frame.function is None or _behind_guard(frame) or _is_unpooled(node):
        return
    told = not any(arg.star == 2 for arg in node.args) and not _told_by_caller(frame, node) if isinstance(node, r.Call) else True
    how = _often(frame)
    if what == "engine" and how != "loop" and not _is_unaddressed(node):
        how = (how or "fixed") if _is_fixed(frame, node) else "given"
    frame.happens("engine", node, note=what, attr=f"{frame.path}:{node.start}", how=how, confidence=2 if told else 1)


def passed_on(frame: Frame, event: Event) -> Event | None:
    """A callee's building as the caller has it; None where it runs once only."""
    if frame.function is None or _behind_guard(frame):
        return None
    told = event.how if event.how != "given" else ""
    return msgspec.structs.replace(event, how=told or _often(frame) or event.how)


def _often(frame: Frame) -> str:
    """What shows that this place is reached again and again."""
    if any(loop.kind not in ("retry", "literal", "worker") for loop in frame.loops):
        return "loop"
    return "method" if frame.cls and frame.function is not None and not frame.function.node.name.startswith("__") else ""


def _is_fixed(frame: Frame, node: r.Node) -> bool:
    """Whether the address is the same at each call: it does not come from a parameter."""
    first = node.args[0].value if isinstance(node, r.Call) and node.args else None
    if first is None or frame.function is None:
        return False
    return not (parameters_behind(frame, first) or frozenset()) - {"self", "cls"}


def _is_unaddressed(node: r.Node) -> bool:
    return not isinstance(node, r.Call) or not node.args


def _told_by_caller(frame: Frame, node: r.Call) -> bool:
    """Whether the engine's options are the caller's, credentials or a certificate: nobody can keep one for all."""
    options = [arg.value for arg in node.args if arg.keyword not in (None, "url", "bind")]
    return any((parameters_behind(frame, option) or frozenset()) - {"self", "cls"} for option in options)


def _behind_guard(frame: Frame) -> bool:
    return any(meaning == "once" for _, meaning in frame.conditions)


def _is_unpooled(node: r.Node) -> bool:
    """`poolclass=NullPool`: made for one use, it keeps no connections."""
    for arg in node.args if isinstance(node, r.Call) else ():
        last = last_name(arg.value)
        if arg.keyword == "poolclass" and last in ("NullPool", "StaticPool"):
            return True
    return False


def kept(frame: Frame, value: Value) -> None:
    """A value is stored where it outlives the function: what was built here for it is built to stay."""
    if any(event.kind == "engine" for event in frame.state.events) and holds(value):
        for events in (frame.state.events, frame.order):
            for event in [event for event in events if event.kind == "engine"]:
                del events[event]


def kept_by_call(frame: Frame, name: str, values: tuple[Value, ...]) -> None:
    """A call by the name of `register(engine)` or `cache.setdefault(url, engine)` keeps what it is given."""
    if name.startswith(_KEEPING) and frame.state.events:
        for value in values:
            kept(frame, value)


def holds(value: Value, depth: int = 0) -> bool:
    """Whether a value is, or holds, an engine, a factory or a session of one."""
    if isinstance(value, (Factory, Session)):
        return True
    if depth > 3:
        return False
    if isinstance(value, LibInstance):
        return value.cls in ENGINES or any(holds(item, depth + 1) for _, item in value.data)
    if isinstance(value, Instance):
        return any(holds(item, depth + 1) for _, item in value.fields)
    if isinstance(value, Coll):
        return holds(value.elem, depth + 1)
    if isinstance(value, (Tup, UnionOf)):
        return any(holds(item, depth + 1) for item in value.items)
    return isinstance(value, Manager) and holds(value.enter, depth + 1)


def gives_engine(summary: Summary) -> bool:
    """Whether a function hands what it has built to its caller, who may keep it."""
    return any(_is_engine(value) for value in (summary.returned, summary.yielded))


def _is_engine(value: Value, depth: int = 0) -> bool:
    if isinstance(value, Factory) or (isinstance(value, LibInstance) and value.cls in ENGINES):
        return True
    if isinstance(value, (Tup, UnionOf)) and depth < 3:
        return any(_is_engine(item, depth + 1) for item in value.items)
    if isinstance(value, Session):
        return value.scoped
    return isinstance(value, Instance) and depth < 3 and any(_is_engine(item, depth + 1) for _, item in value.fields)


def runs_once(symbols: Symbols, function: FunctionNode) -> bool:
    """Whether a function runs when the process starts, or remembers what it has made, by its decorators and its name."""
    names = symbols.decorator_names(function.module, function.node)
    if any(_REMEMBERING.search(name) or _AT_START.search(name) for name in names):
        return True
    return _SET_UP.fullmatch(function.node.name) is not None


def remembers(symbols: Symbols, function: FunctionNode) -> bool:
    """Whether a function gives the same object each time, by its decorators."""
    return any(_REMEMBERING.search(name) for name in symbols.decorator_names(function.module, function.node))
