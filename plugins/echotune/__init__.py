"""EchoTune: a Spotify listening history as a queryable music database."""
