"""The command `twinread`; each sub-command imports its work when it is called."""
