"""Flask: routes, hooks, views, templates."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, FunctionRow, MethodRow, RenderRow, classes, functions, methods

_LIB = "flask"

CLASSES: tuple[ClassRow, ...] = (
    *classes("flask flask.app", "Flask", "web_app", since="1.0", library=_LIB),
    *classes("flask flask.blueprints", "Blueprint", "web_router", since="1.0", library=_LIB),
    *classes("flask.views", "MethodView View", "web_view", since="1.0", library=_LIB),
    *classes("flask_restful", "Resource", "web_view", since="0.3", library="flask_restful"),
    *classes("flask_restful", "Api", "web_router", since="0.3", library="flask_restful"),
    *classes("flask_restx", "Resource", "web_view", since="0.2", library="flask_restx"),
    *classes("flask_restx", "Api Namespace", "web_router", since="0.2", library="flask_restx"),
    *classes("flask_smorest", "Blueprint", "web_router", since="0.20", library="flask_smorest"),
    *classes("quart", "Quart", "web_app", since="0.15", library="quart"),
    *classes("quart", "Blueprint", "web_router", since="0.15", library="quart"),
    *classes("flask flask.wrappers", "Response", "response", since="1.0", library=_LIB),
    *classes("flask flask.wrappers", "Request", "request", since="1.0", library=_LIB),
    *classes("jinja2 jinja2.environment", "Template", "template", since="2.0", library="jinja2"),
    *classes("jinja2 jinja2.environment", "Environment", "templates", since="2.0", library="jinja2"),
)

METHODS: tuple[MethodRow, ...] = (
    *methods("web_app web_router", "route", "decorator", "route get post put patch delete", since="1.0", library=_LIB),
    *methods("web_app web_router", "route", "none", "add_url_rule", since="1.0", library=_LIB),
    *methods("web_router", "route", "none", "add_resource", since="0.3", library="flask_restful"),
    *methods("web_app", "", "none", "register_blueprint", since="1.0", library=_LIB),
    *methods(
        "web_app web_router",
        "hook",
        "argument",
        "before_request after_request teardown_request context_processor",
        since="1.0",
        library=_LIB,
    ),
    *methods("web_router", "hook", "argument", "before_app_request after_app_request teardown_app_request", since="1.0", library=_LIB),
    *methods("web_app", "hook", "argument", "teardown_appcontext shell_context_processor", since="1.0", library=_LIB),
    *methods("web_app", "hook", "argument", "before_first_request", since="1.0", until="2.2", library=_LIB),
    *methods("web_app web_router", "hook", "decorator", "errorhandler", since="1.0", library=_LIB),
    *methods("web_router", "hook", "decorator", "app_errorhandler", since="1.0", library=_LIB),
    *methods("web_app", "", "plain_context", "app_context test_request_context", since="1.0", library=_LIB),
    *methods("templates", "", "template", "get_template from_string select_template", since="2.0", library="jinja2"),
)

FUNCTIONS: tuple[FunctionRow, ...] = (
    *functions("flask flask.json", "jsonify", "serialize", "response", since="1.0", library=_LIB),
    *functions("flask", "make_response redirect send_file", "", "response", since="1.0", library=_LIB),
    *functions("flask quart", "abort", "", "never", since="1.0", library=_LIB),
    *functions("werkzeug.exceptions flask_restful flask_restx flask_smorest", "abort", "", "never", since="0.3", library="flask_restful"),
    *functions("flask", "url_for flash", "", "value", since="1.0", library=_LIB),
)

RENDERS: tuple[RenderRow, ...] = (
    RenderRow(0, "keywords", ("flask.render_template", "flask.templating.render_template", "flask.stream_template")),
    RenderRow(0, "keywords", ("flask.render_template_string", "flask.stream_template_string"), is_text=True),
    RenderRow(0, "keywords", ("quart.render_template",), library="quart"),
)

REQUEST_OBJECTS: frozenset[str] = frozenset({"flask.g", "flask.globals.g", "quart.g", "quart.globals.g"})
"""Objects that each request has for itself: what one function keeps there, others read."""
