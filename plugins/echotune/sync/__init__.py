"""MongoDB to PostgreSQL and back: what is copied, in which order, and how it is proved equal."""
