"""Each target's real image, in real containers, beside a real S3 server in one: `make e2e`."""
