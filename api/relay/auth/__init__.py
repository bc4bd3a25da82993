"""Tokens for the relay's clients."""
