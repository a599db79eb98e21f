"""Templates: what rendering one reads of the objects that it is given.

Takes a render call; runs the template's statements over abstract values as code is run, aside from the function's own state, and notes
the loads at the call. Templates are found by their name below the project's template folders, and read when they are first rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ormlint.facts import records as r
from ormlint.facts.templates import Macro
from ormlint.orms.vocabulary import RenderRow
from ormlint.semantics.frame import Frame
from ormlint.semantics.serializing import aside, note_loads
from ormlint.semantics.template_files import Loaded
from ormlint.semantics.values import UNKNOWN, Actual, Const, LibInstance, LibRef, Plain, Value

_DEEPEST = 12
_TAGS = ("block", "include", "import", "macro", "filter")


class Rendering:
    """One render call under way: the blocks of each level of inheritance, and how deep it is."""

    def __init__(self) -> None:
        self.blocks: dict[str, list[tuple[Loaded, tuple[r.Stmt, ...]]]] = {}
        self.inside: list[tuple[str, int]] = []
        self.depth = 0


# Render calls


def rendered(frame: Frame, row: RenderRow, receiver: Value | None, actuals: Sequence[Actual], node: r.Node) -> None:
    """A call that renders a template by its name."""
    if row.is_text or frame.walk is not None:
        return
    positional = [actual.value for actual in actuals if actual.keyword is None and not actual.star]
    keywords = {actual.keyword: actual.value for actual in actuals if actual.keyword}
    variables: dict[str, Value] = {}
    name: Value = UNKNOWN
    if row.template == "receiver":
        name = dict(receiver.data).get("name", UNKNOWN) if isinstance(receiver, LibInstance) else UNKNOWN
        for value in positional[:1]:
            variables |= _entries(value)
    elif isinstance(row.template, int):
        # `TemplateResponse("x.html", {…})` is the older form of `TemplateResponse(request, "x.html", {…})`.
        at = 0 if positional and _is_text(positional[0]) else row.template
        name = positional[at] if at < len(positional) else keywords.get("name", keywords.get("template_name_or_list", UNKNOWN))
        if row.context != "keywords":
            shift = at - row.template
            position = (row.context_position or 0) + shift
            variables |= _entries(positional[position] if position < len(positional) else keywords.get(row.context, UNKNOWN))
    if row.context == "keywords":
        variables |= keywords
        for actual in actuals:
            if actual.star == 2:
                variables |= _entries(actual.value)
    if not isinstance(name, Const) or not isinstance(name.value, str):
        return
    loaded = frame.world.templates.find(name.value, frame.path)
    if loaded is not None:
        reads = aside(frame, lambda: _render(frame, loaded, variables))
        note_loads(frame, "template", reads, node, loaded.rel, places=True)


def _is_text(value: Value) -> bool:
    return (isinstance(value, Const) and isinstance(value.value, str)) or (isinstance(value, Plain) and value.type == "str")


def _entries(value: Value) -> dict[str, Value]:
    return {name: item for name, item in value.data if name != "*"} if isinstance(value, LibInstance) and value.cls == "kwargs" else {}


def named(value: Value) -> LibInstance:
    """`env.get_template("x.html")`."""
    return LibInstance("template", (("name", value),) if isinstance(value, Const) else ())


# Running one


def _render(frame: Frame, loaded: Loaded, variables: Mapping[str, Value]) -> None:
    rendering = Rendering()
    frame.state.vars = {**variables, **{f"<{tag}>": LibInstance("template_tag", (("tag", Const(tag, "str")),)) for tag in _TAGS}}
    frame.state.vars["<len>"] = LibRef("builtins.len")
    frame.state.vars["super"] = LibInstance("template_tag", (("tag", Const("super", "str")),))
    chain = [loaded]
    while chain[-1].template.extends is not None and len(chain) < _DEEPEST:
        parent = _named_by(frame, chain[-1], chain[-1].template.extends)
        if parent is None or parent in chain:
            break
        chain.append(parent)
    for level in chain:
        for name, body in level.template.blocks.items():
            rendering.blocks.setdefault(name, []).append((level, body))
    for level in chain[:-1]:
        if level.template.extends is not None:
            _run(frame, level, tuple(stmt for stmt in level.template.body if isinstance(stmt, r.Assign)), rendering)
    last = chain[-1]
    if last.template.extends is None:
        _run(frame, last, last.template.body, rendering)
    else:  # the parent is not known: what fills its blocks is shown all the same
        for stmt in last.template.body:
            _run(frame, last, (stmt,), rendering)


def _named_by(frame: Frame, by: Loaded, expr: r.Expr) -> Loaded | None:
    name = expr.value if isinstance(expr, r.Const) else None
    return frame.world.templates.find(name, by.rel) if isinstance(name, str) else None


def _run(frame: Frame, loaded: Loaded, body: Sequence[r.Stmt], rendering: Rendering) -> None:
    if rendering.depth >= _DEEPEST:
        return
    inner = Frame(frame.world, loaded.scope, None, frame.budget)
    inner.state, inner.walk, inner.loops, inner.rendering = frame.state, frame.walk, frame.loops, rendering
    rendering.depth += 1
    inner.run(body)
    rendering.depth -= 1
    frame.state, frame.budget = inner.state, inner.budget


def tag(frame: Frame, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    """A tag of a template that stands for more than its own text."""
    rendering = frame.rendering
    first = actuals[0].value if actuals else UNKNOWN
    text = first.value if isinstance(first, Const) and isinstance(first.value, str) else ""
    if not isinstance(rendering, Rendering):
        return UNKNOWN
    if name == "block":
        _block(frame, rendering, text, 0)
    elif name == "super" and rendering.inside:
        block, level = rendering.inside[-1]
        _block(frame, rendering, block, level + 1)
    elif name == "macro":
        return LibInstance("template_macro", (("path", Const(frame.path, "str")), ("name", first)))
    elif name in ("include", "import") and text:
        loaded = frame.world.templates.find(text, frame.path)
        if loaded is None:
            return UNKNOWN
        if name == "import":
            return LibInstance("template_module", (("path", Const(loaded.rel, "str")),))
        _run(frame, loaded, loaded.template.body, rendering)
    return Plain("str") if name != "filter" else UNKNOWN


def _block(frame: Frame, rendering: Rendering, name: str, level: int) -> None:
    levels = rendering.blocks.get(name, ())
    if level < len(levels) and (name, level) not in rendering.inside:
        loaded, body = levels[level]
        rendering.inside.append((name, level))
        _run(frame, loaded, body, rendering)
        rendering.inside.pop()


def expand(frame: Frame, macro: LibInstance, actuals: Sequence[Actual]) -> Value:
    """Calls a macro."""
    held = dict(macro.data)
    path, name = held.get("path"), held.get("name")
    rendering = frame.rendering
    if not isinstance(path, Const) or not isinstance(name, Const) or not isinstance(rendering, Rendering):
        return UNKNOWN
    loaded = frame.world.templates.load(str(path.value))
    found = loaded.template.macros.get(str(name.value)) if loaded is not None else None
    if loaded is None or found is None:
        return UNKNOWN
    outer = frame.state.vars
    frame.state.vars = {key: value for key, value in outer.items() if key.startswith("<") or isinstance(value, LibInstance)}
    frame.state.vars |= {other: tag_value(loaded, other) for other in loaded.template.macros}
    frame.state.vars |= _bound(found, actuals)
    _run(frame, loaded, found.body, rendering)
    frame.state.vars = outer
    return Plain("str")


def tag_value(loaded: Loaded, name: str) -> Value:
    """A macro of a template as its other macros call it."""
    return LibInstance("template_macro", (("path", Const(loaded.rel, "str")), ("name", Const(name, "str"))))


def _bound(macro: Macro, actuals: Sequence[Actual]) -> dict[str, Value]:
    given: dict[str, Value] = dict.fromkeys(macro.params, UNKNOWN)
    positional = [actual.value for actual in actuals if actual.keyword is None and not actual.star]
    given |= dict(zip(macro.params, positional, strict=False))
    given |= {actual.keyword: actual.value for actual in actuals if actual.keyword}
    return given
