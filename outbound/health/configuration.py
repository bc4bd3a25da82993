"""What the environment says: the settings that are fine on a laptop and wrong before customers."""

from urllib.parse import urlsplit

from django.conf import settings

from outbound.health.check import Check, fine, worth_a_look, wrong

_SHORTEST_SECRET = 32
_FEWEST_LETTERS = 10


def configuration_checks() -> list[Check]:
    """Secret, debugging, addresses, names."""
    return [_secret(), _debug(), *_public_url(), _helo_name(), _bounce_domain()]


def _secret() -> Check:
    secret = str(settings.SECRET_KEY)
    if len(secret) >= _SHORTEST_SECRET and len(set(secret)) >= _FEWEST_LETTERS:
        return fine("secret key", f"The secret key has {len(secret)} characters.")
    return wrong(
        "secret key",
        "SECRET_KEY can be guessed: it signs log-ins and tracked links, and encrypts the providers' passwords.",
        "Set it to 50 random characters before tenants are made; what was stored under the old one must be entered again.",
    )


def _debug() -> Check:
    if not settings.DEBUG:
        return fine("debugging", "Error pages say nothing about the installation.")
    return worth_a_look("debugging", "DEBUG is on: error pages show settings and code to everybody.", "Unset DEBUG.")


def _public_url() -> list[Check]:
    url = str(settings.PUBLIC_URL)
    if not url:
        return [
            worth_a_look(
                "public address",
                "PUBLIC_URL is not set: `serve` puts links to http://localhost into mails.",
                "Set PUBLIC_URL to the address under which recipients reach this installation.",
            )
        ]
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [
            wrong(
                "public address", f"PUBLIC_URL is {url!r}, which is no web address.", "Write https://mail.example.com"
            )
        ]
    if parts.scheme == "http":
        return [
            worth_a_look(
                "public address",
                f"Links in mails lead to {url}, without encryption.",
                "Put a proxy with a certificate in front and write PUBLIC_URL with https.",
            )
        ]
    return [fine("public address", f"Links in mails lead to {url}."), _secure_cookies()]


def _secure_cookies() -> Check:
    if settings.SESSION_COOKIE_SECURE:
        return fine("cookies", "Log-ins travel over https only.")
    return worth_a_look("cookies", "Log-ins may travel unencrypted, although there is https.", "Set HTTPS=1.")


def _helo_name() -> Check:
    if "." in settings.HELO_NAME:
        return fine("greeting", f"Providers are greeted as {settings.HELO_NAME}.")
    return worth_a_look(
        "greeting",
        f"Providers are greeted as {settings.HELO_NAME!r}; many refuse that.",
        "Set HELO_NAME to the name of this machine in the DNS.",
    )


def _bounce_domain() -> Check:
    if settings.BOUNCE_DOMAIN:
        return fine("bounces", f"Bounces come back to {settings.BOUNCE_DOMAIN}.")
    return worth_a_look(
        "bounces",
        "BOUNCE_DOMAIN is not set: bounces go to each sending domain's own mail server.",
        "Point a domain's MX record at the bounce door and set BOUNCE_DOMAIN, or give each sending domain one.",
    )
