-- After the user: the deletion of playlists and preferences is a change of the profile.
delete from echotune.profile_changes where user_id = %(user_id)s;
