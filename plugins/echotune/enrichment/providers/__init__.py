"""Where values come from, each behind the same small interface."""
