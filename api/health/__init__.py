"""Is this installation well? For load balancers, monitors and Prometheus."""

from api.health.door import WatchDoors

__all__ = ["WatchDoors"]
