"""Whether the systems are there, may be used as needed, and how far away they are; one module a system, no Airflow."""
