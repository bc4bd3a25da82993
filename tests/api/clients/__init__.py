"""Client programs that were written for other servers, and those who run them."""
