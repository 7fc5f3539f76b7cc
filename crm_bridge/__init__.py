"""Customers, whatever database they live in: one unified record behind one protocol.

This package knows nothing of `cti` and could serve another front end alone. `model` and `numbers` are pure;
`embedded` is the CRM of a site that has none. SQL is spoken here with bound parameters only.
"""
