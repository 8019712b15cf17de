"""The page in the Airflow UI: a FastAPI app that answers JSON by panel, and the built page in static/."""
