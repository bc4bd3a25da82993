"""Providers' own APIs, asked for somebody who sets an account up: service accounts of Google, keys and domains of Mailgun."""
