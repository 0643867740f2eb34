"""The whole chain on this machine, without an account: template.yaml is deployed, and every job really runs."""
