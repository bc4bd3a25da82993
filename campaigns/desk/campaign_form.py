"""Writing a campaign: what, as whom, to whom. The number of people follows every change."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse

from campaigns.audiences import Versioned, audience_of, split_by_version
from campaigns.models import Campaign, Template
from campaigns.services.drafts import Draft, create_campaign, mailbox, update_campaign
from common.errors import InvalidInput, LettershopError
from contacts.models import Contact, Segment, Tag
from contacts.targeting import Audience, count_audience, count_by_language, language_counts, sample_audience, tag_counts
from deliverability.models import SendingDomain
from outbound.models import ProviderAccount
from tenants.desk.admin import needs
from tenants.desk.forms import ServiceForm

TAG_FIELDS = ("tags_any", "tags_all", "exclude_tags")
_SEGMENT_HELP = (
    "Only the contacts of this segment; who they are is found anew when the campaign goes out. "
    "Tags and language, where you choose some, narrow it further."
)
_SAMPLE = 5
_LONGEST_ID = 19
_Row = TypeVar("_Row", bound=Model)


def _text(label: str, help_text: str = "", *, required: bool = False, **attributes: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "desk-input", **attributes})
    return forms.CharField(label=label, help_text=help_text, required=required, widget=widget)


def _tags() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)


class SegmentField(forms.ModelChoiceField):
    """One of the tenant's segments, with its size as far as it is known."""

    def label_from_instance(self, obj: Any) -> str:
        return obj.name if obj.last_mailable is None else f"{obj.name} ({obj.last_mailable:,} when last counted)"


class CampaignForm(ServiceForm):
    """The fields of a Draft."""

    name = _text("Name", "Only you see it.", required=True)
    template = forms.ModelChoiceField(
        Template.objects.defer("html", "text"),
        empty_label="Choose a template",
        widget=forms.Select(attrs={"class": "desk-input"}),
    )
    from_name = _text("Sender's name", "What inboxes show.")
    from_address = _text("Sender's address", required=True, list="senders", inputmode="email")
    reply_to = _text("Answers go to", "Empty: to the sender's address.", inputmode="email")
    tags_any = _tags()
    tags_all = _tags()
    exclude_tags = _tags()
    segment = SegmentField(
        Segment.objects.defer("tree", "description").order_by("name"),
        required=False,
        empty_label="No segment: any contact",
        help_text=_SEGMENT_HELP,
        widget=forms.Select(attrs={"class": "desk-input"}),
        error_messages={"invalid_choice": "This segment is no longer there: choose another one, or none."},
    )
    language = forms.ChoiceField(required=False, widget=forms.Select(attrs={"class": "desk-input"}))
    category = _text("Category", "Picks the template's version of this category, where it has one.")
    provider = forms.ModelChoiceField(
        ProviderAccount.objects.filter(is_active=True),
        required=False,
        empty_label="The first active one",
        widget=forms.Select(attrs={"class": "desk-input"}),
    )
    track_opens = forms.BooleanField(required=False, initial=True)
    track_clicks = forms.BooleanField(required=False, initial=True)
    field_of_refusal = {"sender": "from_address", "sender_name": "from_name"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counts = tag_counts()
        tags = [
            (slug, f"{name} ({counts.get(pk, 0):,})")
            for pk, slug, name in Tag.objects.values_list("pk", "slug", "name")
        ]
        for field in TAG_FIELDS:
            self.fields[field].choices = tags  # type: ignore[attr-defined]
        languages = sorted(language for language in language_counts() if language)
        spoken = [("", "All languages"), *((language, language) for language in languages)]
        chosen = str(self.initial.get("language") or "")
        if chosen and chosen not in languages:
            spoken.append((chosen, chosen))
        self.fields["language"].choices = spoken  # type: ignore[attr-defined]

    def draft(self) -> Draft:
        data = dict(self.cleaned_data)
        sender = mailbox(data.pop("from_name"), data.pop("from_address"))
        for field in TAG_FIELDS:
            data[field] = tuple(data[field])
        return Draft(sender=sender, **data)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom the form as it stands would write to."""

    count: int
    versions: tuple[Versioned, ...]
    people: tuple[Contact, ...]


def form_page(request: HttpRequest, *, model_admin: Any, campaign: Campaign | None) -> HttpResponse:
    """Show the form, and save what comes back. The caller has checked what the member may do."""
    initial = initial_of(campaign) if campaign else _first_values(request.GET)
    form = CampaignForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            if campaign is None:
                saved = create_campaign(draft=form.draft())
            else:
                saved = update_campaign(campaign=campaign, draft=form.draft())
        except LettershopError as error:
            form.add_refusal(error)
        else:
            messages.success(request, f"“{saved.name}” is saved. Nothing is sent yet.")
            return redirect("admin:campaigns_campaign_change", saved.pk)
    context = {"original": campaign} if campaign else {}
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/campaign_form.html",
        title="Edit" if campaign else "New campaign",
        form=form,
        tag_boxes=[form["tags_any"], form["tags_all"], form["exclude_tags"]],
        has_segments=Segment.objects.exists(),
        domains=SendingDomain.objects.values_list("name", flat=True),
        **context,
    )
    return page


@needs("campaigns.change_campaign", "GET", "POST")
def edit_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Change a campaign that was not begun yet."""
    campaign = get_object_or_404(Campaign.objects.select_related("template"), pk=pk)
    if campaign.state not in (Campaign.State.DRAFT, Campaign.State.SCHEDULED):
        messages.warning(request, "This campaign has begun: it cannot be changed any more. Duplicate it instead.")
        return redirect("admin:campaigns_campaign_change", pk)
    return form_page(request, model_admin=model_admin, campaign=campaign)


@needs("campaigns.view_campaign", "POST")
def reach_fragment(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """How many people the form as it stands reaches, and some of them."""
    context: dict[str, Any] = {}
    try:
        context["reach"] = reach_of(request.POST)
    except LettershopError as error:
        context["error"] = error
    return TemplateResponse(request, "desk/campaign_reach.html", context)


def reach_of(posted: QueryDict) -> Reach:
    """Raises InvalidInput for tags, and for a segment, that do not exist."""
    draft = Campaign(
        tags_any=posted.getlist("tags_any"),
        tags_all=posted.getlist("tags_all"),
        exclude_tags=posted.getlist("exclude_tags"),
        segment=_segment(posted.get("segment", "")),
        language=posted.get("language", ""),
        category=posted.get("category", ""),
    )
    template = _by_id(Template.objects.defer("html", "text"), posted.get("template", ""))
    if template is None:
        return reach(audience_of(draft), None)
    draft.template = template
    return reach(audience_of(draft), draft)


def reach(aimed: Audience, campaign: Campaign | None) -> Reach:
    """The exact number, who gets which version, and the newest few."""
    people = tuple(sample_audience(aimed, _SAMPLE))
    if campaign is None:
        return Reach(count_audience(aimed), (), people)
    languages = count_by_language(aimed)
    return Reach(sum(languages.values()), tuple(split_by_version(campaign, languages)), people)


def reach_of_campaign(campaign: Campaign) -> Reach:
    """Of a saved one."""
    return reach(audience_of(campaign), campaign)


def initial_of(campaign: Campaign) -> dict[str, Any]:
    return {name: getattr(campaign, name) for name in CampaignForm.base_fields}


def _first_values(asked: QueryDict) -> dict[str, Any]:
    """What a link from elsewhere fills in, and the sender of the last campaign."""
    last = Campaign.objects.order_by("-id").first()
    values: dict[str, Any] = {field: asked.getlist(field) for field in TAG_FIELDS}
    for field in ("template", "segment"):
        if asked.get(field, "").isdecimal():
            values[field] = asked[field]
    if last:
        values |= {"from_name": last.from_name, "from_address": last.from_address, "reply_to": last.reply_to}
    return values


def _segment(pk: str) -> Segment | None:
    """One that is gone must not count as none: the audience would be everybody."""
    found = _by_id(Segment.objects.all(), pk)
    if found is None and pk:
        raise InvalidInput("This segment is no longer there.", field="segment", hint="Choose another one, or none.")
    return found


def _by_id(rows: QuerySet[_Row], pk: str) -> _Row | None:
    return rows.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < _LONGEST_ID else None
