"""The command `twinread`; each sub-command imports the modules it needs when it is called."""
