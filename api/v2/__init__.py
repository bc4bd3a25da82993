"""API v2: the main API. Each resource is one module with its serializers and views; `urls` names the paths."""
