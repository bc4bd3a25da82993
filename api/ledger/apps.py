from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "api.ledger"
    label = "ledger"
    verbose_name = "what the doors remember"
