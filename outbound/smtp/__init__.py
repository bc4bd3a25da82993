"""The outgoing SMTP client: pure asyncio, no Django. `pool.SmtpPool` sends, `probe.probe` tries an account out."""
