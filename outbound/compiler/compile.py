"""The two calls of the compiler: what an author is told, and the message that is sent."""

import logging

from common.tokens import KeyRing
from outbound.compiler.build import Built, build
from outbound.compiler.content import Check, CompiledMessage, Content, Stamp, Tier
from outbound.compiler.expressions import NotSegments
from outbound.compiler.faults import CompilerFault
from outbound.compiler.prepare import Prepared, prepare
from outbound.compiler.selfcheck import check_message

logger = logging.getLogger(__name__)


def check(content: Content) -> Check:
    """What this content needs and what is doubtful about it. Raises TemplateFault for what cannot be sent."""
    prepared = prepare(content, base=_SAMPLE.tracking_base, tracking=True, pixel=True, marketing=True)
    built, warnings = _built(prepared, _SAMPLE, Tier.SEGMENTS)
    return Check(prepared.fields, prepared.links, warnings, built.tier)


def compile_message(content: Content, stamp: Stamp, *, tier: Tier | None = None) -> CompiledMessage:
    """Compiles once; `wire` of the result then makes the message of each recipient.

    The fastest tier that can do it is chosen; `tier` asks for one that is at least as general. Raises
    TemplateFault for the content, RenderFault for a template that runs into its limits without any data,
    and InvalidInput for the stamp.
    """
    prepared = prepare(
        content,
        base=stamp.tracking_base,
        tracking=stamp.track_clicks,
        pixel=stamp.track_opens,
        marketing=stamp.marketing,
    )
    built, warnings = _built(prepared, stamp, tier or Tier.SEGMENTS)
    return CompiledMessage(
        built.tier, prepared.fields, prepared.links, warnings, built.wire, _is_seven_bit(built, len(prepared.fields))
    )


def _is_seven_bit(built: Built, fields: int) -> bool:
    """Values are encoded or in encoded words; what may have more bits are the addresses of the stamp."""
    _, raw = built.wire(0, _SAMPLE.from_address, [None] * fields, b"Sat, 21 Nov 2026 09:30:00 +0000")
    return raw.isascii()


_SAMPLE = Stamp(
    tenant_id=0,
    message_id=0,
    from_address="sample@example.com",
    message_id_domain="example.com",
    bounce_domain="example.com",
    tracking_base="https://t.example.com",
    keys=KeyRing({0: b"of no use to anyone"}, 0),
)


def _built(prepared: Prepared, stamp: Stamp, first: Tier) -> tuple[Built, tuple[str, ...]]:
    """The message in the first tier that can do it and gets it right, with all that the author should know."""
    warnings = prepared.warnings
    for tier in Tier:
        if tier < first:
            continue
        try:
            built = build(prepared, stamp, tier)
            check_message(built, prepared, stamp)
        except NotSegments:
            continue
        except CompilerFault as fault:
            if tier is Tier.FULL:
                raise
            logger.error("A tier of the compiler was not used.", exc_info=fault)
            warnings = (*warnings, f"{fault.message} A slower way was taken.")
            continue
        return built, warnings
    raise CompilerFault("The message could not be compiled in any tier.")
