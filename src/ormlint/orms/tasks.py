"""Task queues: which decorators make a function a task. What sends one stands in `external`."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, FunctionRow, MethodRow, classes, functions, methods

CLASSES: tuple[ClassRow, ...] = (
    *classes("arq.worker", "func", "task", "function", since="0.20", library="arq"),
    *classes("taskiq", "TaskiqScheduler", "task_app", since="0.5", library="taskiq"),
    *classes("apscheduler.schedulers.background", "BackgroundScheduler", "scheduler", since="3.0", library="apscheduler"),
    *classes("apscheduler.schedulers.blocking", "BlockingScheduler", "scheduler", since="3.0", library="apscheduler"),
    *classes("apscheduler.schedulers.asyncio", "AsyncIOScheduler", "scheduler", since="3.0", library="apscheduler"),
)

METHODS: tuple[MethodRow, ...] = (
    *methods("task_app", "task", "task", "task periodic_task", since="4.0", library="celery"),
    *methods("scheduler", "task", "decorator", "scheduled_job", since="3.0", library="apscheduler"),
    *methods("scheduler", "task", "value", "add_job", since="3.0", library="apscheduler"),
    *methods("task", "", "task_signature", "s si signature", since="4.0", library="celery"),
    *methods("task", "", "unknown", "apply", since="4.0", library="celery"),
)

RETRYING: frozenset[str] = frozenset(
    {
        "tenacity.retry", "backoff.on_exception", "backoff.on_predicate", "retrying.retry", "retry.retry", "retry.api.retry",
        "stamina.retry", "opnieuw.retry", "redo.retriable", "retry_async.retry", "aiobreaker.retry",
    }
)  # fmt: skip
"""Decorators that run a function again, as a whole, when it raises."""

FUNCTIONS: tuple[FunctionRow, ...] = (
    *functions("celery celery.app", "shared_task", "task", "task", "decorator", since="4.0", library="celery"),
    *functions("celery.decorators", "task periodic_task", "task", "task", "decorator", since="3.0", until="4.4", library="celery"),
    *functions("dramatiq dramatiq.actor", "actor", "task", "task", "decorator", since="1.0", library="dramatiq"),
    *functions("rq.decorators rq", "job", "task", "task", "decorator", since="1.0", library="rq"),
    *functions("huey.contrib.djhuey", "task db_task periodic_task", "task", "task", "decorator", since="2.0", library="huey"),
    *functions("taskiq", "async_shared_broker.task", "task", "task", "decorator", since="0.5", library="taskiq"),
)
