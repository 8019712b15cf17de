"""Every table and view of the API with two users' rows, and who may reach which of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ANNA, BERT = "anna", "bert"
OWNERS = (ANNA, BERT)
ACTORS = ("anon", ANNA, BERT, "service_role", "echotune_sync")

NOBODY: frozenset[str] = frozenset()
BOTH = frozenset(OWNERS)
OWN = frozenset({"own"})

Reach = Mapping[str, frozenset[str]]
"""By action: the users whose rows are reached."""

SEED = """
insert into public.users (spotify_user_id, username, auth_user_id, email) values
    ('anna', 'anna', '00000000-0000-0000-0000-00000000000a', 'anna@example.org'),
    ('bert', 'bert', '00000000-0000-0000-0000-00000000000b', 'bert@example.org');
insert into public.artists (id, spotify_id, name)
select echotune.row_id('artist', name), name, name from unnest('{anna,bert}'::text[]) as name;
insert into public.albums (id, spotify_id, name, artist_id)
select echotune.row_id('album', spotify_id), spotify_id, name, id from public.artists;
insert into public.tracks (id, spotify_id, name, album_id, genres)
select echotune.row_id('track', spotify_id), spotify_id, name, id, array[name] from public.albums;
insert into public.track_artists (track_id, artist_id, position)
select echotune.row_id('track', spotify_id), id, 0 from public.artists;
insert into public.audio_features (track_id, energy) select id, 0.5 from public.tracks;
select echotune.ensure_partitions(2021, 2021);
insert into public.listening_history (id, played_at, user_id, track_id, ms_played)
select users.id, '2021-05-01 12:00Z', users.id, tracks.id, 60000
from public.users join public.tracks on tracks.name = users.username;
insert into public.playlists (user_id, name, public)
select id, username, flag from public.users cross join unnest('{true,false}'::boolean[]) as flag;
insert into public.user_preferences (user_id, preferred_genres) select id, array[username] from public.users;
"""


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or view of the API.

    :param rows_of: a condition for the rows of a user, whose name is ``%(owner)s``
    :param insert: adds a row of that user
    :param update: what to change
    :param reach: by actor and action, whose rows are reached; OWN stands for the actor's
    """

    name: str
    rows_of: str
    insert: str = ""
    update: str = ""
    reach: Mapping[str, Reach] = field(default_factory=dict)

    def reached(self, actor: str, action: str) -> frozenset[str]:
        """Whose rows an actor reaches by an action."""
        kind = "signed in" if actor in OWNERS else actor
        reached = self.reach.get(kind, {}).get(action, NOBODY)
        return frozenset({actor}) if reached == OWN else reached


def user(name: str) -> str:
    """The id of a user in SQL, found also by those who may not read it."""
    return f"echotune_test.id_of('user', {name})"


def track(name: str) -> str:
    """The id of a track in SQL."""
    return f"echotune_test.id_of('track', {name})"


HELPERS = """
create schema echotune_test;
grant usage on schema echotune_test to public;
create function echotune_test.id_of(kind text, key text) returns uuid language sql stable security definer
as 'select echotune.row_id(kind, key)';
"""

EVERYTHING = dict.fromkeys(("select", "insert", "update", "delete"), BOTH)
READ_BOTH = {"select": BOTH}
CATALOG = {"signed in": READ_BOTH, "service_role": EVERYTHING, "echotune_sync": EVERYTHING}
OWN_ROWS = dict.fromkeys(("select", "insert", "update", "delete"), OWN)
VIEW = {"signed in": {"select": OWN}, "service_role": READ_BOTH}
OF_USER = f"user_id = {user('%(owner)s')}"
OF_TRACK = f"track_id = {track('%(owner)s')}"
OF_NAME = "name = %(owner)s"

TABLES = (
    Relation(
        name="users",
        rows_of=f"id = {user('%(owner)s')}",
        insert="insert into public.users (auth_user_id, email, username) select "
        "case %(owner)s when 'anna' then '00000000-0000-0000-0000-00000000000a'::uuid "
        "else '00000000-0000-0000-0000-00000000000b' end, %(owner)s || '@example.com', %(owner)s",
        update="email = %(owner)s || '@example.net'",
        reach={
            "signed in": {"select": OWN, "insert": OWN, "update": OWN},
            "service_role": EVERYTHING,
            "echotune_sync": {"select": BOTH},
        },
    ),
    Relation(
        name="playlists",
        rows_of=f"{OF_USER} and not public",
        insert=f"insert into public.playlists (user_id, name) select {user('%(owner)s')}, 'new'",
        update="name = 'changed'",
        reach={
            "signed in": OWN_ROWS,
            "service_role": EVERYTHING,
            "echotune_sync": {"select": BOTH, "insert": BOTH, "update": BOTH},
        },
    ),
    Relation(
        name="user_preferences",
        rows_of=OF_USER,
        insert=f"insert into public.user_preferences (user_id) select {user('%(owner)s')}",
        update="preferred_genres = '{jazz}'",
        reach={"signed in": OWN_ROWS, "service_role": EVERYTHING, "echotune_sync": READ_BOTH},
    ),
    Relation(
        name="artists",
        rows_of=OF_NAME,
        insert="insert into public.artists (id, name) values (gen_random_uuid(), %(owner)s)",
        update="popularity = 1",
        reach=CATALOG,
    ),
    Relation(
        name="albums",
        rows_of=OF_NAME,
        insert="insert into public.albums (id, name) values (gen_random_uuid(), %(owner)s)",
        update="popularity = 1",
        reach=CATALOG,
    ),
    Relation(
        name="tracks",
        rows_of=OF_NAME,
        insert="insert into public.tracks (id, name) values (gen_random_uuid(), %(owner)s)",
        update="popularity = 1",
        reach=CATALOG,
    ),
    Relation(
        name="track_artists",
        rows_of=OF_TRACK,
        insert="insert into public.track_artists (track_id, artist_id, position) "
        f"select {track('%(owner)s')}, echotune_test.id_of('artist', %(owner)s), 1",
        update="position = 1",
        reach=CATALOG,
    ),
    Relation(
        name="audio_features",
        rows_of=OF_TRACK,
        insert=f"insert into public.audio_features (track_id) select {track('%(owner)s')}",
        update="energy = 1",
        reach=CATALOG,
    ),
    Relation(
        name="listening_history",
        rows_of=OF_USER,
        insert="insert into public.listening_history (id, played_at, user_id, ms_played) "
        f"select gen_random_uuid(), '2021-05-02 12:00Z', {user('%(owner)s')}, 1",
        update="ms_played = 1",
        reach={"signed in": {"select": OWN}, "service_role": EVERYTHING, "echotune_sync": EVERYTHING},
    ),
)
VIEWS = tuple(
    Relation(name=name, rows_of=OF_USER, reach=VIEW)
    for name in (
        "track_plays",
        "top_tracks",
        "top_artists",
        "top_genres",
        "listening_by_day",
        "listening_by_hour_of_week",
        "new_discoveries",
        "listening_streaks",
        "audio_profiles",
    )
)
