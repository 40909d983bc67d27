"""`python3 -m flowlens` is the command `flowlens`."""

import sys

from flowlens.cli import main

if __name__ == "__main__":
    sys.exit(main())
