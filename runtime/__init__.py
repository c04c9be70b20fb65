"""Decisions first, effects last: state, staleness, plan, run, publish, ledger store, engines."""
