"""What `manage.py demo` plays: an audience, a mail, a world outside, and the story that ties them together."""
