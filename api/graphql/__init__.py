"""GraphQL at /graphql: what API v2 shows, to be read in one call. It changes nothing. See docs/graphql.md."""
