"""The ways in: each adapts its arguments, calls `pipeline.check` and hands the report to a renderer."""
