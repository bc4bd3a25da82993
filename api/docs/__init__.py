"""The documentation that developers read: OpenAPI, Swagger UI and ReDoc, from this project's own files."""
