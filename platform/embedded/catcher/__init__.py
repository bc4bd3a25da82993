"""The built-in mail catcher: takes every mail by SMTP, delivers none, and shows them on a web page."""
