"""What the doors must remember of each tenant: idempotent calls, and what providers told us, word for word."""
