"""ORM309: a thread-local `scoped_session` is used in coroutines, or an `async_scoped_session` is never removed."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM309", "scoped-session-in-async"
_THREAD = (
    "all coroutines of this thread get one and the same session from this registry, and share its transaction; "
    "pass each its own AsyncSession, or use async_scoped_session with scopefunc=current_task"
)
_LEAK = (
    "nothing removes the sessions of this registry: it keeps one, with its connection, for every task that ever ran; "
    "call and await its remove() when the work is done, or use `async with` on a session of the factory"
)


def check(model: Model) -> Iterator[Finding]:
    seen: set[object] = set()
    for item in model.in_coroutines():
        event = item.event
        registry = model.registry(event)
        if registry is None or event.session is None or model.role(event.site) in EXEMPT_ROLES:
            continue
        if registry.is_async and model.is_removed(event):
            continue
        if not registry.is_async and (registry.by_thread is not True or model.is_over(event)):
            continue
        if (item.function, event.session.id) in seen:
            continue
        seen.add((item.function, event.session.id))
        message = _LEAK if registry.is_async else _THREAD
        trail = (model.step(registry.site, "the registry"), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "A thread-local scoped_session in coroutines, or an async one that is never removed.", check)
