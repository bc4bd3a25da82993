"""The `campaigns` queue's own part: beginning campaigns and seeing to their end."""

from celery import shared_task

from campaigns.services.planning import plan_campaign
from campaigns.services.sending import PLAN_TASK
from tenants.tasks import OneTenantTask


@shared_task(base=OneTenantTask, name=PLAN_TASK)
def plan(campaign_id: int) -> str:
    """Started when a campaign is sent, when its time has come, and every few seconds until it is over."""
    return plan_campaign(campaign_id)
