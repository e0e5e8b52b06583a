"""Primes that are part of none of some numbers: sizes that can be told apart in products."""

from collections.abc import Collection, Iterator
from itertools import count, islice

LEAST = 11
"""Smaller ones are parts of kernels, strides and shares everywhere."""


def primes_beside(numbers: Collection[int], many: int) -> list[int]:
    """The first primes from `LEAST` on that divide no such number.

    >>> primes_beside([77, 224], 3)
    [13, 17, 19]
    """
    return list(islice((p for p in _primes() if all(number % p for number in numbers if number)), many))


def _primes() -> Iterator[int]:
    return (n for n in count(LEAST) if all(n % d for d in range(2, int(n**0.5) + 1)))
