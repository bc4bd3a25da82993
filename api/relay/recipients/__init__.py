"""Recipients: the contacts of a workspace, as the relay knows them."""
