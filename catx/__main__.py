"""`python -m catx` is `catx`: what `torchrun -m` starts."""

from catx.tools.cli import main

if __name__ == "__main__":
    main()
