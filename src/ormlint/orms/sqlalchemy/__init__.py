"""What SQLAlchemy's names mean, by version, one module for each part of the library. Data only; `orms.registry` merges it."""
