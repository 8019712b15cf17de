"""Spotify, simulated: a server on loopback that speaks Spotify's HTTP, and ReccoBeats' beside it.

What it serves
==============
``POST /api/token`` (client credentials), ``GET /v1/audio-features``, ``/v1/tracks``, ``/v1/artists`` and
``/v1/albums``, each with ``?ids=`` and singly (``/v1/tracks/<id>``), with or without a slash at the end, and
``GET /reccobeats/v1/audio-features?ids=``. Every value is computed from the id alone, so it is the same on every
machine; any id of 22 base62 characters is a track, an artist and an album, but for a small share that is unknown.

For listeners: ``GET /authorize`` sends a browser back at once with a code of the listener that the settings name (or
with ``access_denied``), ``POST /api/token`` exchanges it (authorization_code with PKCE) and refreshes (refresh_token,
which is another one each time), and ``GET /v1/me``, ``/v1/me/player/recently-played`` (the last 50 plays) and
``/v1/me/playlists`` answer to a listener's token.

How it is controlled
====================
Under ``/simulator``, for tests and the demo; :class:`local.simulator.control.SimulatorControl` is its client.

``GET /simulator/health``
    ``{"status": "healthy", "mode": "extended"}``.
``GET /simulator/settings``, ``POST /simulator/settings``
    What :class:`local.simulator.settings.Settings` lists: mode, limits, window lengths, token life, latency, ids
    that are unknown. A POST changes the values it names, at once, and answers all of them.
``POST /simulator/rules``
    A JSON list of :class:`local.simulator.rules.Rule`, which replaces the rules before. Of the rules that apply to
    a call the first one in the list is followed. Calls are counted for every rule from the moment it is set;
    a call that a limit or a 429 still in force refuses is not counted.
``POST /simulator/expire-tokens``
    Every token given so far is answered with 401 from now on.
``POST /simulator/listeners/USER/plays``, ``…/playlists``, ``…/revoke``; ``POST /simulator/forget-listeners``
    Add plays (:class:`local.simulator.listeners.Play`), replace playlists, end every authorization of a listener;
    forget all listeners. Listeners stay over a reset.
``POST /simulator/reset``
    Forget all counts, rules, 429s in force and calls in the windows. Settings and tokens stay.
``GET /simulator/report`` (``?full=true``)
    What was counted since the start or the last reset, described in :mod:`local.simulator.record`.

Services
========
``spotify`` (the four endpoints of /v1), ``reccobeats`` and ``accounts`` (the token) have limits and 429s of their
own: a 429 of one, whether of a limit or a rule, stops every caller of this one until its time is over, and only of
this one. Limits can be set for spotify and reccobeats.
"""
