"""Makes listening-history files that look like the real combined export, with every trap it has.

From a shell: `python -m local.sample --rows 3000 --users 2 --seed 7 --output PATH`.
"""

from local.sample.columns import HEADER
from local.sample.damage import DEFECTS, BadRow, Defect, bad_rows
from local.sample.rows import sample_rows
from local.sample.writer import SampleFacts, write_sample

__all__ = [
    "DEFECTS",
    "HEADER",
    "BadRow",
    "Defect",
    "SampleFacts",
    "bad_rows",
    "sample_rows",
    "write_sample",
]
