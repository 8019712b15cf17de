"""What a deployment in containers runs beside Airflow: its first steps, its connections, its health checks."""
