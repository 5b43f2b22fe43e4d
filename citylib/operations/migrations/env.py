"""Alembic looks for this file; `citylib.operations.migrate` does its work without it."""
