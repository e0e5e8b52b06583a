"""Seeds that every generator takes."""

from catx.errors import OptionError

MOST_SEED = 2**32 - 1


def check_seed(seed: int) -> None:
    """Raise an OptionError where a seed is none.

    Example:
        >>> check_seed(MOST_SEED)
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
        raise OptionError(f"seed: {seed!r} is no whole number from 0 to {MOST_SEED}")
