"""Messages: sent, listed, looked at, cancelled, tried again."""
