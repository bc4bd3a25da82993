"""Aegis Mailer's dialect: `/send`, `/send/{id}/status`, `/status`; `/health` is that of all dialects (api.health)."""
