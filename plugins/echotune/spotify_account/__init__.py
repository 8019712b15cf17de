"""What a listener's own account at Spotify tells, once they allowed it: recent plays and playlists."""
