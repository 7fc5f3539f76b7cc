"""What the subcommands of `cti` do. Like `cti.cli`, the only place besides tests that knows the composition root."""
