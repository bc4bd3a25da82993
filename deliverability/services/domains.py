"""Sending domains and their keys."""

import re

from django.conf import settings
from django.db import IntegrityError, transaction

from common.errors import Conflict, InvalidInput
from common.secrets import seal, unseal
from deliverability.dkim import DkimSigner, generate_key
from deliverability.models import DkimKey, SendingDomain

_DOMAIN = re.compile(r"^(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\Z")
_ALGORITHMS = (("ls1", DkimKey.Algorithm.RSA), ("ls2", DkimKey.Algorithm.ED25519))


def create_sending_domain(*, name: str, bounce_domain: str = "", tracking_url: str = "") -> SendingDomain:
    """Make a sending domain with an RSA-2048 and an Ed25519 key; mail from it is signed with both from now on.

    Raises InvalidInput for what is no domain, Conflict when it exists.
    """
    name = name.strip().lower().rstrip(".")
    if not _DOMAIN.match(name):
        raise InvalidInput(
            f"{name!r} is not a domain name.", field="domain", hint="Give it in ASCII form, like news.example.com."
        )
    try:
        with transaction.atomic():
            domain = SendingDomain.objects.create(
                name=name, bounce_domain=bounce_domain, tracking_url=tracking_url.rstrip("/")
            )
            for selector, algorithm in _ALGORITHMS:
                private, record = generate_key(algorithm)
                DkimKey.objects.create(
                    domain=domain,
                    selector=selector,
                    algorithm=algorithm,
                    record=record,
                    sealed_private_key=seal(private, settings.SECRET_KEY),
                )
    except IntegrityError as error:
        raise Conflict(f"The domain {name} exists already.", field="domain") from error
    return domain


def domain_of(address: str) -> SendingDomain | None:
    """The sending domain an address belongs to: its own domain, or the nearest one above it."""
    labels = address.rpartition("@")[2].lower().split(".")
    names = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    found = {domain.name: domain for domain in SendingDomain.objects.filter(name__in=names)}
    return next((found[name] for name in names if name in found), None)


def signers_of(domain: SendingDomain) -> tuple[DkimSigner, ...]:
    """The domain's active signers, RSA first: receivers that know only one kind read the first."""
    keys = domain.keys.filter(is_active=True).order_by("-algorithm", "selector")
    return tuple(
        DkimSigner.from_pem(domain.name, key.selector, unseal(key.sealed_private_key, settings.SECRET_KEY))
        for key in keys
    )
