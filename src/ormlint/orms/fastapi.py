"""FastAPI and Starlette: routes, dependencies, background tasks, streaming, and when a `yield` dependency ends."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, DependencyEndRow, MethodRow, ParameterRow, RenderRow, classes, methods

_LIB = "fastapi"
_STAR = "starlette"
_SINCE = "0.65"

CLASSES: tuple[ClassRow, ...] = (
    *classes("fastapi fastapi.applications", "FastAPI", "web_app", since=_SINCE, library=_LIB),
    *classes("fastapi fastapi.routing", "APIRouter", "web_router", since=_SINCE, library=_LIB),
    *classes("starlette.applications", "Starlette", "web_app", since="0.14", library=_STAR),
    *classes("fastapi fastapi.param_functions", "Depends Security", "dependency", "function", since=_SINCE, library=_LIB),
    *classes("fastapi.params", "Depends Security", "dependency", since=_SINCE, library=_LIB),
    *classes(
        "fastapi fastapi.param_functions",
        "Path Query Body Header Cookie Form File",
        "request_parameter",
        "function",
        since=_SINCE,
        library=_LIB,
    ),
    *classes("fastapi fastapi.background", "BackgroundTasks", "background_tasks", since=_SINCE, library=_LIB),
    *classes("starlette.background", "BackgroundTasks", "background_tasks", since="0.14", library=_STAR),
    *classes("starlette.background", "BackgroundTask", "background_tasks", since="0.14", library=_STAR),
    *classes("fastapi.responses starlette.responses", "StreamingResponse", "streaming_response", since=_SINCE, library=_LIB),
    *classes("sse_starlette sse_starlette.sse", "EventSourceResponse", "streaming_response", since="1.0", library="sse_starlette"),
    *classes(
        "fastapi.responses starlette.responses",
        "Response JSONResponse HTMLResponse PlainTextResponse RedirectResponse FileResponse",
        "response",
        since=_SINCE,
        library=_LIB,
    ),
    *classes("fastapi", "Response", "response", since=_SINCE, library=_LIB),
    *classes("fastapi fastapi.requests starlette.requests", "Request", "request", since=_SINCE, library=_LIB),
    *classes("fastapi fastapi.websockets starlette.websockets", "WebSocket", "web_socket", since=_SINCE, library=_LIB),
    *classes("fastapi.templating starlette.templating", "Jinja2Templates", "templates", since=_SINCE, library=_LIB),
    *classes("starlette.endpoints", "HTTPEndpoint", "web_view", since="0.14", library=_STAR),
)

METHODS: tuple[MethodRow, ...] = (
    *methods(
        "web_app web_router",
        "route",
        "decorator",
        "get post put patch delete head options trace api_route websocket websocket_route route",
        since=_SINCE,
        library=_LIB,
    ),
    *methods("web_app web_router", "route", "none", "add_api_route add_api_websocket_route", since=_SINCE, library=_LIB),
    *methods("web_app web_router", "", "none", "include_router", since=_SINCE, library=_LIB),
    *methods("web_app", "", "none", "mount add_middleware", since=_SINCE, library=_LIB),
    *methods("web_app web_router", "hook", "decorator", "on_event", since=_SINCE, library=_LIB),
    *methods("web_app", "hook", "decorator", "middleware exception_handler", since=_SINCE, library=_LIB),
    *methods("web_app web_router", "hook", "none", "add_event_handler", since=_SINCE, library=_LIB),
    *methods("web_app", "hook", "none", "add_exception_handler", since=_SINCE, library=_LIB),
    *methods("background_tasks", "after_response", "none", "add_task", since=_SINCE, library=_LIB),
    *methods("web_socket", "call_out", "none", "accept send_text send_json send_bytes close", since=_SINCE, awaitable=True, library=_LIB),
    *methods(
        "web_socket", "call_out", "value", "receive receive_text receive_json receive_bytes", since=_SINCE, awaitable=True, library=_LIB
    ),
    *methods("web_socket", "call_out", "iterator", "iter_text iter_json iter_bytes", since=_SINCE, library=_LIB),
    *methods("request", "", "value", "json body form", since=_SINCE, awaitable=True, library=_LIB),
    *methods("request web_socket", "", "unknown", "state app", since=_SINCE, is_property=True, library=_LIB),
)

PARAMETERS: tuple[ParameterRow, ...] = (
    ParameterRow("dependency", "dependency", 0, since=_SINCE, library=_LIB),
    ParameterRow("dependency", "use_cache", default=True, since=_SINCE, library=_LIB),
    ParameterRow("dependency", "scope", since="0.121.0", library=_LIB),
    ParameterRow("web_router.get", "path", 0, since=_SINCE, library=_LIB),
    ParameterRow("web_router.get", "response_model", since=_SINCE, library=_LIB),
    ParameterRow("web_router.get", "response_class", since=_SINCE, library=_LIB),
    ParameterRow("web_router.get", "response_model_include", since=_SINCE, library=_LIB),
    ParameterRow("web_router.get", "response_model_exclude", since=_SINCE, library=_LIB),
    ParameterRow("web_router.get", "dependencies", since=_SINCE, library=_LIB),
    ParameterRow("web_router.add_api_route", "endpoint", 1, since=_SINCE, library=_LIB),
    ParameterRow("web_router", "dependencies", since=_SINCE, library=_LIB),
    ParameterRow("web_app", "dependencies", since=_SINCE, library=_LIB),
    ParameterRow("web_app", "lifespan", since="0.93.0", library=_LIB),
    ParameterRow("streaming_response", "content", 0, since=_SINCE, library=_LIB),
    ParameterRow("response", "content", 0, since=_SINCE, library=_LIB),
    ParameterRow("response", "background", since=_SINCE, library=_LIB),
)

DEPENDENCY_ENDS: tuple[DependencyEndRow, ...] = (
    DependencyEndRow(False, False, since=_SINCE, until="0.105"),
    DependencyEndRow(True, True, since="0.106.0", until="0.117"),
    DependencyEndRow(False, False, since="0.118.0"),
    DependencyEndRow(True, True, since="0.121.0", scope="function"),
)
"""Measured on 0.105.0, 0.106.0, 0.117.1, 0.118.0, 0.120.4, 0.121.0 and 0.165.0."""

RENDERS: tuple[RenderRow, ...] = (
    RenderRow(1, "context", receiver="templates", names=("TemplateResponse",), context_position=2, library=_LIB),
    RenderRow("receiver", "keywords", receiver="template", names=("render", "render_async", "stream", "generate"), library="jinja2"),
)

ENCODERS: tuple[str, ...] = ("fastapi.encoders.jsonable_encoder",)
