"""Words for a contact's standing in the exports of other tools, and what may still be mailed."""

from collections.abc import Iterable

from contacts.importing.headings import normalised

# Our words, as ContactStatus has them.
ACTIVE, UNCONFIRMED, UNSUBSCRIBED = "active", "unconfirmed", "unsubscribed"
BOUNCED, COMPLAINED, SUPPRESSED = "bounced", "complained", "suppressed"

_WORDS: dict[str, str] = {
    ACTIVE: (
        "active, subscribed, confirmed, enabled, opted in, optin, marketing contact, ok, valid, yes, "
        "true, on, 1, regular, single opt in, double opt in, abonniert, aktiv, bestatigt, abonne, "
        "actif, suscrito, activo, confirmado, iscritto, attivo, inscrito, ativo, ingeschreven, actief, "
        "aktywny, активен, подписан, 有効, 已订阅"
    ),
    UNCONFIRMED: (
        "unconfirmed, pending, not confirmed, unapproved, unapprove, awaiting confirmation, "
        "non marketing contact, transactional, non subscribed, nonsubscribed, not subscribed, "
        "never subscribed, inactive, off, unbestatigt, ausstehend, non confirme, en attente, "
        "no confirmado, pendiente, non confermato, in attesa"
    ),
    UNSUBSCRIBED: (
        "unsubscribed, unsub, opted out, optout, opt out, no, false, 0, removed, left, withdrawn, "
        "abgemeldet, ausgetragen, desabonne, desinscrit, de baja, cancelado, baja, disiscritto, "
        "cancellato, descadastrado, uitgeschreven, wypisany, отписан, отписался, 解除, 已退订"
    ),
    BOUNCED: (
        "bounced, bounce, hard bounce, hardbounce, hard bounced, cleaned, invalid, undeliverable, "
        "dead, nonexistent, unbekannt, ungultig, rebotado, non valide"
    ),
    COMPLAINED: (
        "complained, complaint, complaints, spam, spam complaint, abuse, abuse report, marked as spam, junk, reported"
    ),
    SUPPRESSED: (
        "suppressed, blocklisted, blacklisted, blocked, block, banned, disabled, deleted, archived, "
        "do not contact, do not mail, quarantined, on hold, gesperrt, bloque, bloqueado, bloccato, "
        "geblokkeerd, заблокирован"
    ),
}
_YES = "yes, true, y, t, 1, on, ja, j, oui, o, si, s, sim, tak, evet, да, はい, 是, x, subscribed, opted in, checked"
_NO = "no, false, n, f, 0, off, nein, non, nao, nie, hayir, нет, いいえ, 否, not subscribed, opted out, unchecked"

# Of two words for one contact the graver counts.
GRAVITY = {ACTIVE: 0, UNCONFIRMED: 1, UNSUBSCRIBED: 2, SUPPRESSED: 3, BOUNCED: 4, COMPLAINED: 5}


def status_of_word(cell: str) -> str | None:
    """Our status for a word of another tool; None for a word nobody knows."""
    return _STATUSES.get(normalised(cell))


def yes_or_no(cell: str) -> bool | None:
    return _ANSWERS.get(normalised(cell))


def gravest(statuses: Iterable[str]) -> str:
    return max(statuses, key=GRAVITY.__getitem__, default="")


_STATUSES = {normalised(word): status for status, words in _WORDS.items() for word in words.split(",")}
_ANSWERS: dict[str, bool] = {
    **dict.fromkeys(map(normalised, _YES.split(",")), True),
    **dict.fromkeys(map(normalised, _NO.split(",")), False),
}
