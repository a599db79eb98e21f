"""Summaries made by running: a function's body, once for each context, within bounds.

Takes a function with what its parameters are in a context; gives its summary, remembered under the context's key. Recursion goes to a fixed
point: a summary that is needed while it is being made starts at the bottom and is made again once; what rests on an unfinished one is kept
until that is done. Depth and the number of contexts are bounded: beyond them there is no summary, or that of the declaration.
"""

from __future__ import annotations

from ormlint.semantics import boundary, conflicts
from ormlint.semantics.binding import set_self
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.entries import entry_params
from ormlint.semantics.exits import MOST_EVENTS, finished
from ormlint.semantics.frame import Frame, TooMuch, World
from ormlint.semantics.observations import Summary
from ormlint.semantics.ownership import serves
from ormlint.semantics.summaries import Symbolic, matters
from ormlint.semantics.values import NEVER, UNKNOWN, FuncRef, Unknown, Value

_CONTEXTS = 64
_WORK = 128_000
"""A function has more contexts where these together are not longer than so many characters: two lines that all repositories call."""
_DEEPEST = 40
_ROUNDS = 2
_SAME = 3
"""So many contexts of one function may be under way at once; a recursion that needs more is cut off."""


def summarise(
    world: World,
    key: object,
    function: FunctionNode,
    params: dict[str, Value],
    closure: dict[str, Value],
    typevars: dict[str, Value],
    symbols: Symbolic | None,
) -> Summary | None:
    """The summary of one function in one context, made when it is first needed."""
    known = world.summaries.get(key)
    if known is not None:
        return known
    provisional = world.provisional.get(key)
    if provisional is not None:
        at = world.active.get(key)
        if at is not None:
            world.lowest = min(world.lowest, at)
        if key != world.current or world.on_stack[_counted(function, closure, params)] > 1:
            world.doubt(f"{function.id} is called by what it calls")
        return provisional
    if world.recall is not None and (recalled := world.recall(key)) is not None:
        return recalled
    if world.depth >= _DEEPEST:
        world.doubt("calls that go too deep")
        return None
    counted = _counted(function, closure, params)
    contexts = world.contexts.setdefault(counted, [])
    count = len(contexts)
    nested = world.on_stack.get(counted, 0)
    # What the function does by its declaration says nothing of the sessions and entities that this call gives it.
    given = symbols is not None and bool(symbols.sessions or symbols.entities)
    if nested >= _SAME:
        world.doubt(f"{function.id} is called by what it calls")
        return None if given else world.entries.get(function.id)
    if not world.decorating:  # a decorator is applied to any number of functions
        most = most_contexts(function)
        if world.is_one_too_many(counted, key, count, 4 * most if given else most):
            world.doubt(f"{function.id} has too many contexts")
        if count >= 4 * most and given:
            return None
        if count >= most and symbols is not None and not given:
            return _by_declaration(world, function)
        contexts.append(key)
    world.on_stack[counted] = nested + 1
    outer_lowest = world.lowest
    world.depth += 1
    world.active[key] = world.depth
    summary = Summary(NEVER, NEVER, (), True)
    try:
        for turn in range(_ROUNDS if nested == 0 else 1):
            if turn:
                _forget(world, world.depth)
            world.lowest = 1 << 30
            world.provisional[key] = summary
            before = summary
            summary = _run(world, function, params, closure, typevars, symbols, key)
            depends_on_itself = world.lowest <= world.depth
            settled = not summary.events and not matters(summary.returned) and not matters(summary.yielded)
            if not depends_on_itself or settled or summary == before:
                break
    finally:
        own = world.active.pop(key)
        world.on_stack[counted] = nested
        world.depth -= 1
    below = world.lowest < own
    if below:
        # It rests on a caller's unfinished summary: keep it only until that caller is done.
        world.provisional[key] = summary
        world.rests.append((world.lowest, key))
    else:
        del world.provisional[key]
        world.summaries[key] = summary
        # What rested on this summary alone was made with its last value: it is final too.
        for lowest, other in world.rests:
            if lowest >= own and other in world.provisional:
                world.summaries[other] = world.provisional.pop(other)
        world.rests = [item for item in world.rests if item[0] < own]
    world.lowest = min(outer_lowest, world.lowest) if below else outer_lowest
    return summary


def most_contexts(function: FunctionNode) -> int:
    """So many contexts of a function are told apart; then four times as many, of those in which it is given sessions or entities."""
    return max(_CONTEXTS, min(_WORK // (function.node.end - function.node.start + 1), 8 * _CONTEXTS))


def _counted(function: FunctionNode, closure: dict[str, Value], params: dict[str, Value]) -> tuple[str, tuple[str, ...]]:
    """What contexts are counted by: a decorator, and its wrapper, is another function for each function that it holds."""
    held = [value.func for values in (closure, params) for value in values.values() if type(value) is FuncRef]
    return function.id, tuple(sorted(held)) if held else ()


def _by_declaration(world: World, function: FunctionNode) -> Summary | None:
    """What a function gives and does with what its parameters declare, whether or not it has been run by itself."""
    known = world.entries.get(function.id)
    if known is not None or "<lambda" in function.id:
        return known
    frame = Frame(world, world.symbols.modules[function.module], function)
    return summarise(world, ("entry", function.id), function, entry_params(frame, function), {}, {}, None)


def _forget(world: World, depth: int) -> None:
    """Before another round: what was made with the last round's value of the summary at `depth` must be made again."""
    for lowest, other in world.rests:
        if lowest >= depth:
            world.provisional.pop(other, None)
    world.rests = [item for item in world.rests if item[0] < depth]


def _run(
    world: World,
    function: FunctionNode,
    params: dict[str, Value],
    closure: dict[str, Value],
    typevars: dict[str, Value],
    symbols: Symbolic | None,
    key: object,
) -> Summary:
    frame = Frame(world, world.symbols.modules[function.module], function)
    frame.state.vars.update(params)
    frame.closure = closure
    frame.typevars = typevars
    held = world.enter(key)
    world.observed.pop(key, None)
    world.noted.pop(key, None)
    world.raising.pop(key, None)
    world.crossed.pop(key, None)
    world.noticed.pop(key, None)
    world.edges.pop(key, None)
    if frame.in_domain:
        boundary.begin(frame, function)
    if symbols is not None:
        frame.state.live.update(symbols.live)
    elif serves(world, function):
        frame.state.sessions.update(world.opened_before.get(function.id, {}))
    set_self(frame, function, params)
    try:
        frame.run(function.node.body)
        summary = finished(frame)
    except TooMuch:
        world.change("abandoned", function.id)
        world.doubt("a function that is too large")
        summary = Summary(Unknown("the function is too large"), UNKNOWN, tuple(frame.order)[:MOST_EVENTS])
    finally:
        world.exit(held)
    if frame.pending:
        world.pending[key] = tuple(frame.pending.values())
    if frame.set_here is not None:
        boundary.end(frame)
    if frame.crossings:
        world.crossing[key] = tuple(frame.crossings.values())
    conflicts.summary_of(frame, key)
    return summary
