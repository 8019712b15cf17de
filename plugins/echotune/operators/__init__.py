"""Operators: what a DAG file imports. Each resolves connections and calls one function of a domain package."""
