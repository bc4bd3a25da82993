"""The public doors: tracking pixel, click redirect and unsubscribe page, served without Django."""

from api.public.doors import PublicDoors
from api.public.signed_urls import UrlSigner, click_url, pixel_url, unsubscribe_url

__all__ = ["PublicDoors", "UrlSigner", "click_url", "pixel_url", "unsubscribe_url"]
