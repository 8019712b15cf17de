"""Numbers of bytes, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.storage.errors import StorageError
from echotune.storage.quantities import bytes_text, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [("512 MB", 512_000_000), ("20GiB", 20 * 2**30), (" 1.5 gb ", 1_500_000_000), ("7 B", 7), ("2 KiB", 2048)],
)
def test_a_number_with_its_unit_is_bytes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "512", "MB", "0 MB", "-1 GB", "1 MBit", "1,5 GB", "1 G", "1 GB 2 MB", "0.1 B", "² GB", "9" * 400 + " GB"],
)
def test_what_is_no_number_of_bytes_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(StorageError, match="write one such as 512 MB"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_200, "1.2 KB"),
        (310_400_000, "310 MB"),
        (-5_250_000, "-5.25 MB"),
        (4.61e9, "4.61 GB"),
        (12_000e12, "12,000 TB"),
    ],
)
def test_a_person_reads_three_digits_and_a_unit(size: float, text: str) -> None:
    assert bytes_text(size) == text


@given(st.integers(1, 10**15))
def test_what_is_written_is_read_again_within_a_hundredth(size: int) -> None:
    assert parse_bytes(bytes_text(size).replace(",", "")) == pytest.approx(size, rel=0.01)
