"""Calls that make work run beside, or after, their caller: tasks, threads, processes."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, ConcurrencyRow, MethodRow, classes, methods

_PY = "python"

CLASSES: tuple[ClassRow, ...] = (
    *classes("asyncio asyncio.taskgroups", "TaskGroup", "task_group", since="3.11", library=_PY),
    *classes("anyio", "create_task_group", "callable_task_group", "function", since="3.0", library="anyio"),
    *classes("anyio.abc", "TaskGroup", "callable_task_group", since="3.0", library="anyio"),
    *classes("trio", "open_nursery", "callable_task_group", "function", since="0.20", library="trio"),
    *classes("trio", "Nursery", "callable_task_group", since="0.20", library="trio"),
    *classes("threading", "Thread Timer", "thread", since="3.11", library=_PY),
    *classes("multiprocessing", "Process", "process", since="3.11", library=_PY),
    *classes("multiprocessing multiprocessing.pool", "Pool", "process_pool", since="3.11", library=_PY),
    *classes("multiprocessing.pool", "ThreadPool", "thread_pool", since="3.11", library=_PY),
    *classes("multiprocessing.dummy", "Pool", "thread_pool", "function", since="3.11", library=_PY),
    *classes("concurrent.futures concurrent.futures.thread", "ThreadPoolExecutor", "executor", since="3.11", library=_PY),
    *classes("concurrent.futures", "Executor", "executor", since="3.11", library=_PY),
    *classes("concurrent.futures concurrent.futures.process", "ProcessPoolExecutor", "process_executor", since="3.11", library=_PY),
    *classes("asyncio", "get_event_loop get_running_loop new_event_loop", "event_loop", "function", since="3.11", library=_PY),
    *classes("asyncio", "AbstractEventLoop", "event_loop", since="3.11", library=_PY),
    *classes("asyncio", "Task Future", "running_task", since="3.11", library=_PY),
    *classes("gevent.pool", "Pool Group", "thread_pool", since="20.0", library="gevent"),
)

METHODS: tuple[MethodRow, ...] = (
    *methods("task_group callable_task_group", "enter", "same", "__aenter__", since="3.11", library=_PY),
    *methods("task_group callable_task_group", "", "none", "__aexit__", since="3.11", library=_PY),
    *methods("executor process_executor process_pool thread_pool", "enter", "same", "__enter__", since="3.11", library=_PY),
    *methods("executor process_executor process_pool thread_pool", "", "none", "__exit__", since="3.11", library=_PY),
)

CONCURRENCY: tuple[ConcurrencyRow, ...] = (
    # asyncio
    ConcurrencyRow("task", "coroutines", ("asyncio.gather", "asyncio.tasks.gather"), many=True, waits=True),
    ConcurrencyRow("task", "coroutine_list", ("asyncio.wait", "asyncio.as_completed"), position=0, many=True, waits=True),
    ConcurrencyRow("task", "coroutine", ("asyncio.create_task", "asyncio.ensure_future", "asyncio.tasks.create_task"), position=0),
    ConcurrencyRow("task", "coroutine", ("asyncio.shield",), position=0, waits=True),
    ConcurrencyRow("task", "coroutine", ("asyncio.wait_for",), position=0, waits=True),
    ConcurrencyRow("task", "coroutine", ("asyncio.run_coroutine_threadsafe",), position=0),
    ConcurrencyRow("task", "coroutine", receiver="task_group", names=("create_task",), position=0),
    ConcurrencyRow("task", "coroutine", receiver="event_loop", names=("create_task",), position=0),
    ConcurrencyRow("task", "callable", receiver="event_loop", names=("call_soon", "call_soon_threadsafe"), position=0, arguments="rest"),
    ConcurrencyRow("task", "callable", receiver="event_loop", names=("call_later", "call_at"), position=1, arguments="rest"),
    ConcurrencyRow("thread", "callable", ("asyncio.to_thread",), position=0, arguments="rest", waits=True),
    ConcurrencyRow("thread", "callable", receiver="event_loop", names=("run_in_executor",), position=1, arguments="rest", waits=True),
    # anyio, trio, starlette, asgiref
    ConcurrencyRow(
        "task", "callable", receiver="callable_task_group", names=("start_soon", "start"), position=0, arguments="rest", library="anyio"
    ),
    ConcurrencyRow(
        "thread",
        "callable",
        ("anyio.to_thread.run_sync", "trio.to_thread.run_sync"),
        position=0,
        arguments="rest",
        waits=True,
        library="anyio",
    ),
    ConcurrencyRow(
        "task",
        "callable",
        ("anyio.from_thread.run", "anyio.from_thread.run_sync"),
        position=0,
        arguments="rest",
        waits=True,
        library="anyio",
    ),
    ConcurrencyRow(
        "thread",
        "callable",
        ("starlette.concurrency.run_in_threadpool", "fastapi.concurrency.run_in_threadpool"),
        position=0,
        arguments="rest",
        waits=True,
        library="starlette",
    ),
    ConcurrencyRow("thread", "callable", ("asgiref.sync.sync_to_async",), position=0, arguments="", waits=True, library="asgiref"),
    # threads
    ConcurrencyRow("thread", "callable", ("threading.Thread",), position=1, keyword="target", arguments="args"),
    ConcurrencyRow("thread", "callable", ("threading.Timer",), position=1, keyword="function", arguments="args"),
    ConcurrencyRow("thread", "callable", receiver="executor", names=("submit",), position=0, arguments="rest"),
    ConcurrencyRow("thread", "callable", receiver="executor", names=("map",), position=0, arguments="elements", many=True, waits=True),
    ConcurrencyRow("thread", "callable", ("_thread.start_new_thread", "gevent.spawn", "eventlet.spawn"), position=0, arguments="rest"),
    ConcurrencyRow(
        "thread",
        "callable",
        receiver="thread_pool",
        names=("map", "imap", "imap_unordered", "starmap", "map_async", "starmap_async"),
        position=0,
        arguments="elements",
        many=True,
        waits=True,
    ),
    ConcurrencyRow("thread", "callable", receiver="thread_pool", names=("apply_async", "apply", "spawn"), position=0, arguments="args"),
    # processes
    ConcurrencyRow("process", "callable", ("multiprocessing.Process",), position=1, keyword="target", arguments="args"),
    ConcurrencyRow("process", "callable", receiver="process_executor", names=("submit",), position=0, arguments="rest"),
    ConcurrencyRow(
        "process", "callable", receiver="process_executor", names=("map",), position=0, arguments="elements", many=True, waits=True
    ),
    ConcurrencyRow(
        "process",
        "callable",
        receiver="process_pool",
        names=("map", "imap", "imap_unordered", "starmap", "map_async", "starmap_async"),
        position=0,
        arguments="elements",
        many=True,
        waits=True,
    ),
    ConcurrencyRow("process", "callable", receiver="process_pool", names=("apply_async", "apply"), position=0, arguments="args"),
    # after the response
    ConcurrencyRow(
        "after_response",
        "callable",
        receiver="background_tasks",
        names=("add_task",),
        position=0,
        arguments="rest",
        library="fastapi",
    ),
    ConcurrencyRow(
        "after_response",
        "callable",
        ("starlette.background.BackgroundTask",),
        position=0,
        arguments="rest",
        library="starlette",
    ),
)
