"""Old plays out of MongoDB into Parquet files, proved before they are removed, and back again."""
