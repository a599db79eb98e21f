"""Validation and serialisation: which calls read the attributes of an object, and by which fields."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, FunctionRow, MethodRow, SerializeRow, classes, functions, methods

_MA = "marshmallow"

CLASSES: tuple[ClassRow, ...] = (
    *classes("pydantic pydantic.main", "BaseModel", "schema_model", since="1.0", library="pydantic"),
    *classes("pydantic pydantic.root_model", "RootModel", "schema_model", since="2.0", library="pydantic"),
    *classes("pydantic.generics", "GenericModel", "schema_model", since="1.0", until="1.10", library="pydantic"),
    *classes("pydantic pydantic.config", "ConfigDict", "schema_settings", since="2.0", library="pydantic"),
    *classes("pydantic pydantic.type_adapter", "TypeAdapter", "schema_adapter", since="2.0", library="pydantic"),
    *classes("marshmallow marshmallow.schema", "Schema", "serializer", since="2.0", library=_MA),
    *classes("flask_marshmallow", "Schema", "serializer", since="0.10", library="flask_marshmallow"),
    *classes(
        "marshmallow_sqlalchemy",
        "SQLAlchemySchema SQLAlchemyAutoSchema",
        "model_serializer",
        since="0.22",
        library="marshmallow_sqlalchemy",
    ),
    *classes(
        "flask_marshmallow.sqla", "SQLAlchemySchema SQLAlchemyAutoSchema", "model_serializer", since="0.12", library="flask_marshmallow"
    ),
    *classes("marshmallow_sqlalchemy", "ModelSchema", "model_serializer", since="0.1", until="0.22", library="marshmallow_sqlalchemy"),
    *classes("marshmallow.fields", "Nested List Pluck Method Function Field", "serializer_field", since="3.0", library=_MA),
    *classes("msgspec msgspec", "Struct", "schema_model", since="0.10", library="msgspec"),
)

METHODS: tuple[MethodRow, ...] = (
    *methods("schema_model", "", "instance_of_class", "model_validate model_construct", since="2.0", library="pydantic"),
    *methods("schema_model", "", "instance_of_class", "from_orm parse_obj construct", since="1.0", library="pydantic"),
    *methods("schema_model", "", "value", "model_dump model_dump_json", since="2.0", library="pydantic"),
    *methods("schema_model", "", "value", "dict json", since="1.0", library="pydantic"),
    *methods("schema_adapter", "", "instance_of_type", "validate_python", since="2.0", library="pydantic"),
    *methods("schema_adapter", "", "value", "dump_python dump_json", since="2.0", library="pydantic"),
    *methods("serializer model_serializer", "", "value", "dump dumps", since="2.0", library=_MA),
    *methods("serializer", "", "value", "load loads", since="2.0", library=_MA),
    *methods("model_serializer", "query", "entity_of_schema", "load loads", since="0.1", library="marshmallow_sqlalchemy"),
    *methods("serializer model_serializer", "", "response", "jsonify", since="0.10", library="flask_marshmallow"),
)

FUNCTIONS: tuple[FunctionRow, ...] = (
    *functions("fastapi.encoders", "jsonable_encoder", "serialize", "value", since="0.65", library="fastapi"),
    *functions("pydantic pydantic.tools", "parse_obj_as", "", "instance_of_type", since="1.0", library="pydantic"),
    *functions("jsonpickle", "encode dumps", "serialize", "value", since="1.0", library="jsonpickle"),
    *functions("orjson ujson simplejson", "dumps", "serialize", "value", since="1.0", library="orjson"),
    *functions("joblib cloudpickle dill", "dump dumps", "serialize", "value", since="0.1", library="joblib"),
    *functions("msgspec.json msgspec.msgpack", "encode", "serialize", "value", since="0.10", library="msgspec"),
    *functions("msgspec", "to_builtins", "serialize", "value", since="0.16", library="msgspec"),
)

FIELD_LISTS: dict[str, str] = {
    "model_fields": "annotated",
    "__fields__": "annotated",
    "__annotations__": "annotated",
    "__dataclass_fields__": "annotated",
    "__struct_fields__": "annotated",
    "_fields": "annotated",
    "_declared_fields": "called",
    "_wsme_attributes": "called",
}
"""Class attributes in which a library lists the fields of a schema: those that are annotated, or those that a call makes."""

SERIALIZES: tuple[SerializeRow, ...] = (
    SerializeRow("first", "schema", receiver="schema_model", names=("model_validate", "from_orm", "parse_obj")),
    SerializeRow("first", "schema", receiver="schema_adapter", names=("validate_python", "dump_python", "dump_json")),
    SerializeRow("receiver", "schema", receiver="schema_model", names=("model_dump", "model_dump_json", "dict", "json")),
    SerializeRow("first", "schema", receiver="serializer", names=("dump", "dumps", "jsonify"), many="many", library=_MA),
    SerializeRow("first", "schema", receiver="model_serializer", names=("dump", "dumps", "jsonify"), many="many", library=_MA),
    SerializeRow("first", "dict", ("fastapi.encoders.jsonable_encoder", "builtins.vars"), library="fastapi"),
    SerializeRow("first", "attributes", ("dataclasses.asdict", "dataclasses.astuple"), library="python"),
    SerializeRow("first", "dict", ("pickle.dumps", "pickle.dump", "copy.copy", "copy.deepcopy"), library="python"),
    SerializeRow("first", "schema", ("pydantic.parse_obj_as", "pydantic.tools.parse_obj_as")),
)
"""`parse_obj_as` takes the type first and the object second."""
