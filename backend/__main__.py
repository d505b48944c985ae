"""`python -m backend` is the command `twinread`."""

from backend.commands.cli import main

if __name__ == "__main__":
    main()
