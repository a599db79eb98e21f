"""Run in a process of its own: prints the version of FastAPI and the order in which a `yield` dependency ends, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import fastapi
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse

happened: list[str] = []


def dependency() -> Iterator[int]:
    yield 1
    happened.append("end")


def application(**options: Any) -> FastAPI:
    app = FastAPI()
    given = Depends(dependency, **options)

    @app.get("/task")
    def task(tasks: BackgroundTasks, value: int = given) -> None:
        tasks.add_task(happened.append, "task")

    @app.get("/stream", response_class=StreamingResponse)
    def stream(value: int = given) -> StreamingResponse:
        def body() -> Iterator[bytes]:
            happened.append("body")
            yield b""

        return StreamingResponse(body())

    return app


async def order(app: FastAPI, path: str) -> list[str]:
    happened.clear()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        pass

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [],
        "client": ("client", 1),
        "server": ("server", 2),
    }
    await app(scope, receive, send)  # type: ignore[arg-type, unused-ignore]
    return list(happened)


def main() -> None:
    answer: dict[str, Any] = {"version": fastapi.__version__}
    for scope in ("", "function"):
        try:
            app = application(scope=scope) if scope else application()
        except TypeError:
            continue
        answer[scope] = {path: asyncio.run(order(app, f"/{path}")) for path in ("task", "stream")}
    json.dump(answer, sys.stdout)


main()
