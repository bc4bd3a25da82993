"""Figures of a workspace, at once and every second."""
