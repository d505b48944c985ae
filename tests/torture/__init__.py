"""Attacks, faults and load against real `twinread serve` processes: `make torture`, never part of the tests.

pytest collects files named `test_*.py`, and there is none here: a run takes an hour, needs root for network
and mount namespaces, and measures seconds and megabytes, which depend on the machine.
"""
