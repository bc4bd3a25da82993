"""The campaign compiler: content once, then one function call per recipient. Knows no Django."""

from outbound.compiler.compile import check, compile_message
from outbound.compiler.content import Check, CompiledMessage, Content, Link, MergeField, Stamp, Tier
from outbound.compiler.faults import CompilerFault, RenderFault, TemplateFault
from outbound.compiler.links import fill_link

__all__ = [
    "Check",
    "CompiledMessage",
    "CompilerFault",
    "Content",
    "Link",
    "MergeField",
    "RenderFault",
    "Stamp",
    "TemplateFault",
    "Tier",
    "check",
    "compile_message",
    "fill_link",
]
