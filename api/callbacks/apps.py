from django.apps import AppConfig


class CallbacksConfig(AppConfig):
    name = "api.callbacks"
    label = "callbacks"
    verbose_name = "webhooks of customers"

    def ready(self) -> None:
        from api.callbacks.health import endpoint_check
        from outbound.health import further_checks

        if endpoint_check not in further_checks:
            further_checks.append(endpoint_check)
