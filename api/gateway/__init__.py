"""The Mail Gateway's dialect: `/api/v1/send`; `/health` and `/metrics` are those of all dialects."""
