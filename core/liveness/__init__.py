"""Heartbeats of the long-running parts, and the ledger of the times when one of them was silent."""
