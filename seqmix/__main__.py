"""`python -m seqmix`: the command line."""

from seqmix.cli import main

if __name__ == "__main__":
    main()
