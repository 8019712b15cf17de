"""Everything that runs the platform on one machine without Docker: servers, settings, demo."""
