"""Brings the chain to an account: artifacts into a bucket, template.yaml as a change set."""
