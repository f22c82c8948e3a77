"""Qt models over the session, and the cluster colours."""
