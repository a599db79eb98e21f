"""Exceptions: which ones say that SQL failed, and so that the transaction waits for a rollback."""

from __future__ import annotations

from ormlint.orms.vocabulary import ErrorRow, errors

_EXC = "sqlalchemy.exc"
_ORM = "sqlalchemy.orm.exc"

ERRORS: tuple[ErrorRow, ...] = (
    *errors("any", "builtins", "Exception BaseException"),
    *errors("database", _EXC, "SQLAlchemyError StatementError DBAPIError DatabaseError OperationalError ProgrammingError DataError"),
    *errors("database", _EXC, "InternalError InterfaceError NotSupportedError"),
    *errors("database", _EXC, "PendingRollbackError", since="1.4"),
    *errors("database", _ORM, "FlushError"),
    *errors("integrity", _EXC, "IntegrityError"),
    *errors("stale", _ORM, "StaleDataError ConcurrentModificationError"),
    *errors("usage", _EXC, "InvalidRequestError ArgumentError ResourceClosedError NoReferencedTableError UnboundExecutionError"),
    *errors("usage", _ORM, "ObjectDeletedError UnmappedInstanceError UnmappedClassError"),
    *errors("usage", _EXC, "TimeoutError DisconnectionError"),
    *errors("detached", _ORM, "DetachedInstanceError"),
    *errors("detached", _EXC, "MissingGreenlet", since="1.4"),
    *errors("row_count", _ORM, "NoResultFound MultipleResultsFound"),
    *errors("row_count", _EXC, "NoResultFound MultipleResultsFound", since="1.4"),
    *errors("integrity", "sqlite3", "IntegrityError", since="3.11", library="python"),
    *errors("database", "sqlite3", "Error DatabaseError OperationalError", since="3.11", library="python"),
    *errors("integrity", "psycopg2 psycopg2.errors psycopg psycopg.errors", "IntegrityError", since="2.8", library="psycopg2"),
    *errors("integrity", "psycopg2.errors psycopg.errors", "UniqueViolation ForeignKeyViolation", since="2.8", library="psycopg2"),
    *errors("database", "psycopg2 psycopg", "Error DatabaseError OperationalError", since="2.8", library="psycopg2"),
    *errors("integrity", "asyncpg asyncpg.exceptions", "UniqueViolationError ForeignKeyViolationError", since="0.20", library="asyncpg"),
    *errors("database", "asyncpg asyncpg.exceptions", "PostgresError", since="0.20", library="asyncpg"),
    *errors("integrity", "pymysql pymysql.err MySQLdb", "IntegrityError", since="1.0", library="pymysql"),
)
