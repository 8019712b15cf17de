"""The real servers of the local stack; each also starts alone, in any folder: Mongod(folder).start()."""
