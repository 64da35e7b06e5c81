"""`python -m vmfailover` is the command `vmfailover`."""

from vmfailover.cli.main import main

if __name__ == "__main__":
    main(prog_name="vmfailover")
