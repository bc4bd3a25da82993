"""A crowd for segments, with two campaigns behind it, and what a plain reading of it says."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from campaigns.behaviour import campaign_behaviour
from contacts.models import Contact, ContactAttribute, DataSource, Suppression, Tag
from contacts.segments import count_contacts, find_contacts, parse_tree, resolve_tree
from outbound.events import record_events
from outbound.models import Message
from outbound.recording import Hit
from outbound.states import EventKind
from tests.campaigns.cast import add_campaign, add_provider, add_template
from tests.campaigns.report_cast import send

TAGS = ("vip", "news", "old", "paris")
STATUSES = ("active", "active", "active", "active", "unconfirmed", "unsubscribed", "bounced")
LANGUAGES = ("fr", "fr-ca", "FR-BE", "en", "", "fro")
COUNTRIES = ("FR", "BE", "", "us")
DOMAINS = ("example.com", "mail.example.org", "example.net")
CITIES = ("Paris", "Lyon", "parma", "Rome")
PERSON = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
LINKS = ("https://acme.example/shop", "https://acme.example/100%25?a=1")
_TEXTS = {"field": ("first_name", "country", "email_domain"), "attribute": ("city", "code")}


@dataclass
class Happened:
    """One thing that happened to a contact's mail."""

    deed: str
    campaign_id: int
    contact_id: int
    at: datetime
    link: str = ""


@dataclass
class Crowd:
    now: datetime
    campaigns: list[int]
    happened: list[Happened]


def make_crowd(count: int = 240) -> Crowd:
    """Contacts over several blocks of ids; not all of their attributes are of their type, whatever wrote them."""
    chance = random.Random(11)
    now = timezone.now()
    tags = [Tag.objects.create(slug=slug, name=slug).pk for slug in TAGS]
    sources = [DataSource.objects.create(name=name).pk for name in ("Fair", "Shop")]
    types = {
        "city": "text",
        "code": "text",
        "score": "number",
        "amount": "number",
        "since": "date",
        "vegan": "boolean",
        "likes": "json",
    }
    for key, kind in types.items():
        ContactAttribute.objects.create(key=key, label=key, type=kind)
    people = [_person(number, chance, tags, sources, now) for number in range(count)]
    Contact.objects.bulk_create(people)
    for person in people:
        person.created_at = now - timedelta(days=chance.randrange(100), minutes=1)
    Contact.objects.bulk_update(people, ["created_at"])
    for person in chance.sample(people, 25):
        Suppression.objects.create(email=person.email, email_key=person.email_key, reason="manual")
    add_provider()
    html = "".join(f'<a href="{link}">x</a>' for link in LINKS) + '<a href="{{ unsubscribe_url }}">Leave</a>'
    template = add_template(html=html)
    crowd = Crowd(now, [], [])
    for tag in ("vip", "news"):
        campaign = add_campaign(template, tags_all=(tag,))
        crowd.campaigns.append(campaign.pk)
        crowd.happened += _mail(campaign, chance, now)
    crowd.campaigns.append(add_campaign(template).pk)  # never sent
    return crowd


def _person(number, chance, tags, sources, now):
    address = f"p{number}@{chance.choice(DOMAINS)}"
    attributes = {"code": f"unique {number}"}
    if chance.random() < 0.8:
        attributes["city"] = chance.choice([*CITIES, None, 7])
    if chance.random() < 0.8:
        attributes["score"] = chance.choice([*range(10), 2.5, "5", None])
    if chance.random() < 0.9:
        attributes["amount"] = chance.choice([round(chance.random() * 1000, 2)] * 9 + [str(number)])
    if chance.random() < 0.8:
        day = (now - timedelta(days=chance.randrange(-5, 60))).date().isoformat()
        attributes["since"] = chance.choice([day, day, f"{day}T10:05:00", f"{day}T23:59:59+00:00"])
    if chance.random() < 0.7:
        attributes["vegan"] = chance.random() < 0.5
    if chance.random() < 0.5:
        attributes["likes"] = chance.choice([["tea", "Jazz"], [], {"a": "tea"}])
    return Contact(
        # Far from what the sequence gives, however many tests drew from it before this one.
        id=100_000_000 + number * 37,
        email=address,
        email_key=address,
        first_name=chance.choice(["Ann", "ben", ""]),
        status=chance.choice(STATUSES),
        language=chance.choice(LANGUAGES),
        country=chance.choice(COUNTRIES),
        source_id=chance.choice([None, *sources]),
        attributes=attributes,
        tags=sorted(tag for tag in tags if chance.random() < 0.4),
    )


def _mail(campaign, chance, now):
    """Send it; each recipient gets an outcome, and some open and click, now or long ago, once or twice."""
    message = send(campaign)
    urls = [link["url"] for link in message.links]
    ids = [i for chunk in message.chunks.order_by("first_position") for i in chunk.contact_ids]
    happened, hits, rows = [], [], []
    for position, contact in enumerate(ids):
        state = chance.choice([3, 3, 3, 4, 11, 5, 6, 7, 9])
        # Not at the moment of an open: that would be a machine's.
        at = now - timedelta(days=chance.randrange(60), minutes=10)
        rows.append((position, contact, state, at))
        deed = {3: "received", 4: "received", 11: "received", 5: "bounced", 6: "bounced"}.get(state)
        happened += [Happened(deed, campaign.pk, contact, at)] if deed else []
        for kind, deed in ((EventKind.OPEN, "opened"), (EventKind.CLICK, "clicked")):
            for _ in range(chance.choice([0, 0, 1, 2])):
                at = now - timedelta(days=chance.randrange(60), minutes=5)
                link = chance.randrange(len(urls)) if kind is EventKind.CLICK else None
                hits.append(Hit(kind, message.pk, position, at, link, agent=PERSON))
                happened.append(Happened(deed, campaign.pk, contact, at, urls[link] if link is not None else ""))
    with connection.cursor() as cursor:
        for position, contact, state, at in rows:
            cursor.execute(
                "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, at) VALUES (%s, %s, %s, %s, %s, %s)",
                [message.month, message.pk, position, contact, state, at],
            )
    record_events(hits)
    return happened


def do_more(crowd: Crowd) -> None:
    """Some open and click later, for the first time or again."""
    chance = random.Random(12)
    for message in Message.objects.order_by("id"):
        campaign_id = message.campaign_part.campaign_id
        ids = [i for chunk in message.chunks.order_by("first_position") for i in chunk.contact_ids]
        for position, contact in enumerate(ids):
            at = crowd.now - timedelta(days=chance.randrange(60), minutes=5)
            kind, deed = chance.choice([(EventKind.OPEN, "opened"), (EventKind.CLICK, "clicked")])
            if chance.random() < 0.3:
                link = 0 if kind is EventKind.CLICK else None
                record_events([Hit(kind, message.pk, position, at, link, agent=PERSON)])
                url = message.links[0]["url"] if link is not None else ""
                crowd.happened.append(Happened(deed, campaign_id, contact, at, url))


def ids_of(tree, crowd):
    resolved = resolve_tree(parse_tree(tree), behaviour=campaign_behaviour, now=crowd.now)
    return [contact.pk for contact in find_contacts(resolved, limit=10_000)]


def size_of(tree, crowd):
    size = count_contacts(resolve_tree(parse_tree(tree), behaviour=campaign_behaviour, now=crowd.now))
    return size.matching, size.mailable


class Reader:
    """A tree by a plain loop over all contacts."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.tags = dict(Tag.objects.values_list("id", "slug"))
        self.people = list(Contact.objects.select_related("source").order_by("-id"))
        self.suppressed = set(Suppression.objects.values_list("email_key", flat=True))
        self.types = dict(ContactAttribute.objects.values_list("key", "type"))

    def ids(self, tree):
        return [person.pk for person in self.people if self.holds(tree, person)]

    def size(self, tree):
        found = [person for person in self.people if self.holds(tree, person)]
        return len(found), sum(
            person.status == "active" and person.email_key not in self.suppressed for person in found
        )

    def holds(self, tree, person):
        if "all" in tree:
            return all(self.holds(part, person) for part in tree["all"])
        if "any" in tree:
            return any(self.holds(part, person) for part in tree["any"])
        if "not" in tree:
            return not self.holds(tree["not"], person)
        if "tag" in tree:
            return tree["tag"] in [self.tags[tag] for tag in person.tags]
        if "attribute" in tree:
            return self._compared(tree, self.types[tree["attribute"]], person.attributes.get(tree["attribute"]))
        if "field" in tree:
            return self._field(tree, person)
        return self._did(tree, person)

    def _field(self, tree, person):
        name = tree["field"]
        if name == "created_at":
            return self._moment(tree, person.created_at)
        if name == "language":
            return self._language(tree, person.language.lower())
        value = {
            "email_domain": person.email_key.partition("@")[2],
            "source": person.source.name if person.source else None,
        }.get(name, getattr(person, name, None))
        return self._compared(tree, "text", value or None)

    def _language(self, tree, language):
        if "known" in tree or "unknown" in tree:
            return ("known" in tree) == bool(language)
        spoken = lambda wanted: (language + "-").startswith(wanted + "-")  # noqa: E731
        if "in" in tree:
            return any(spoken(wanted) for wanted in tree["in"])
        return spoken(tree["is"]) if "is" in tree else not spoken(tree["is_not"])

    def _moment(self, tree, moment):
        if "within_days" in tree:
            return moment >= self.crowd.now - timedelta(days=tree["within_days"])
        day = moment.astimezone(UTC).date().isoformat()
        if "between" in tree:
            return tree["between"][0] <= day <= tree["between"][1]
        return day < tree["before"] if "before" in tree else day > tree["after"]

    def _compared(self, tree, kind, value):
        [(word, wanted)] = [(w, v) for w, v in tree.items() if w not in ("attribute", "field")]
        if word in ("known", "unknown"):
            return (word == "known") == (value is not None)
        if word == "is_not":
            return not self._compared({"is": wanted}, kind, value)
        if value is None:
            return False
        if word == "contains":
            shown = value if isinstance(value, str) else _json(value)
            return wanted.lower() in shown.lower()
        if word == "starts_with":
            return str(value).lower().startswith(wanted.lower())
        if kind == "date":
            return isinstance(value, str) and self._day(word, wanted, value[:10])
        if word in ("is", "in"):
            return any(_same(value, one) for one in (wanted if word == "in" else [wanted]))
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        if word == "between":
            return wanted[0] <= value <= wanted[1]
        return value > wanted if word == "above" else value < wanted

    def _day(self, word, wanted, day):
        today = self.crowd.now.astimezone(UTC).date()
        match word:
            case "is":
                return day == wanted
            case "before":
                return day < wanted
            case "after":
                return day > wanted
            case "between":
                return wanted[0] <= day <= wanted[1]
        return (today - timedelta(days=wanted)).isoformat() <= day <= today.isoformat()

    def _did(self, tree, person):
        [(deed, asked)] = tree.items()
        since = self.crowd.now - timedelta(days=asked["within_days"]) if asked.get("within_days") else None
        return any(
            one.deed == deed
            and one.contact_id == person.pk
            and asked.get("campaign_id") in (None, one.campaign_id)
            and (since is None or one.at >= since)
            and asked.get("link") in (None, one.link)
            for one in self.crowd.happened
        )


def _same(value, wanted):
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _json(value):
    """As PostgreSQL writes it."""
    if isinstance(value, list):
        return "[" + ", ".join(_json(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {_json(one)}' for key, one in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)
