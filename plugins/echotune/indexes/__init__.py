"""Indexes: declared once in include/, compared with the live server, made where they are missing."""
