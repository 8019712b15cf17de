"""The words the sample's names are made of. Every artist, song and label built of them is invented."""

# Letters of other scripts that look like Latin ones are the point of this file.

from __future__ import annotations

_ADJECTIVES = """
    Amber Ancient Arctic Ashen Astral August Autumn Azure Barefoot Bitter Blind Borrowed Brass Bright
    Broken Burning Candid Cedar Chrome Clever Cobalt Cold Copper Coral Crooked Crystal Dapper Distant
    Double Drowsy Dusty Eager Early Eastern Electric Empty Endless Faded Faint Feral First Flannel
    Foreign Fragile Frozen Gentle Gilded Glass Golden Granite Hazel Hidden Hollow Honest Humble Idle
    Indigo Iron Ivory Jagged Jolly Kindred Last Lavender Lazy Lonely Lost Lucid Lunar Magnetic Marble
    Midnight Mild Misty Modern Narrow Neon Nimble Noble Northern Nylon Odd Olive Open Opal Orphan
    Painted Pale Paper Patient Pilot Plastic Polar Quiet Rapid Restless Rustic Saffron Salty Scarlet
    Second Shallow Silent Silver Sleepless Slow Solar Southern Stray Sunken Tender Thirsty Timid Tin
    Twisted Ultra Uneven Velvet Violet Wandering Western Wild Winter Wooden Young Zero
"""
ADJECTIVES = tuple(_ADJECTIVES.split())

_NOUNS = """
    Acrobat Almanac Anchor Antler Arcade Atlas Avenue Badger Balcony Ballroom Banjo Beacon Bicycle
    Blossom Bonfire Boulevard Bramble Bridge Cabinet Caravan Cartographer Cascade Cathedral Chimney
    Cinema Circuit Clover Comet Compass Corridor Cottage Coyote Curtain Cyclone Daughter Detour Diary
    Dragonfly Drummer Echo Elevator Ember Engine Envelope Falcon Fathom Feather Ferry Firefly Fjord
    Fountain Fox Gallery Garden Gazelle Ghost Glacier Gondola Harbor Harvest Heron Highway Holiday
    Horizon Iceberg Island Jasmine Journal Juniper Kettle Kingdom Kite Labyrinth Ladder Lagoon Lantern
    Library Lighthouse Lullaby Machine Magnet Magpie Marathon Meadow Meridian Meteor Mirror Monsoon
    Motel Mountain Museum Nomad Notebook Oasis Observatory Orchard Orchestra Otter Parade Passenger
    Pavilion Pelican Pendulum Pioneer Planet Postcard Prairie Pyramid Quarry Radio Raven Reservoir
    River Rocket Sailor Satellite Season Shadow Signal Sparrow Staircase Station Stranger Summit
    Tambourine Telescope Theatre Thunder Tiger Tornado Tower Tractor Tunnel Umbrella Valley Vessel
    Village Violin Voyage Wagon Waterfall Weather Whisper Willow Window Wolf Yard Zeppelin
"""
NOUNS = tuple(_NOUNS.split())

_VERBS = """
    Calling Chasing Counting Crossing Dancing Drifting Driving Falling Finding Floating Holding
    Keeping Leaving Losing Missing Moving Opening Painting Reading Running Sailing Shining Singing
    Sleeping Standing Stealing Swimming Talking Turning Waiting Waking Walking Watching Writing
"""
VERBS = tuple(_VERBS.split())

TITLE_TAGS = (
    " - Remastered 2011",
    " - Live",
    " - Radio Edit",
    " - Acoustic Version",
    " - 2009 Remaster",
    ", Pt. 2",
    ", Vol. I: Overture",
    " (Demo)",
    ' (12" Mix)',
    "!",
    " *",
    " / Reprise",
    " 100%",
    " \N{EM DASH} Finale",
    " \N{MULTIPLE MUSICAL NOTES}",
    " \N{FIRE}",
)

# Words of one script each: first and second halves of a name. Written as escapes where an editor would
# reorder or merge them (right-to-left text, combining marks, joined emoji).
_SCRIPTS = (
    (
        "夜の|青い|遠い|冬の|静かな|銀の|夏の|最後の|小さな|赤い|朝の|白い|眠る",
        "海|電車|窓|花火|図書館|ラジオ|猫|灯台|雨|約束|レモン|地図|月",
    ),
    (
        "푸른 |작은 |새벽 |겨울 |먼 |하얀 |느린 |붉은 |조용한 |오래된 |마지막 |은빛 |봄 ",
        "바다|정거장|편지|고양이|극장|구름|다리|노래|숲|우산|등대|거울|새",
    ),
    (
        "北方|午夜|銀色|遙遠的|透明|最後的|雨中|紙|藍色|沉默|冬日|溫柔|失眠",
        "列車|燈塔|花園|旅人|天文台|郵局|月台|海岸|唱片|風箏|森林|鏡子|信號",
    ),
    (
        "Северный |Тихий |Синий |Зимний |Последний |Старый |Белый |Дальний |Ночной |Медный |Лунный |Пустой |Добрый ",
        "поезд|маяк|берег|ветер|двор|экран|город|остров|снег|вокзал|голос|сад|дом",
    ),
    (
        "\u0644\u064a\u0644 |\u0628\u062d\u0631 |\u0642\u0645\u0631 |\u0635\u0648\u062a |\u0646\u062c\u0645 |"
        "\u0637\u0631\u064a\u0642 |\u0628\u0627\u0628 |\u0631\u064a\u062d |\u0646\u0647\u0631 |\u0638\u0644 |"
        "\u0645\u0637\u0631 ",
        "\u0627\u0644\u0635\u062d\u0631\u0627\u0621|\u0627\u0644\u0645\u062f\u064a\u0646\u0629|"
        "\u0627\u0644\u0634\u062a\u0627\u0621|\u0627\u0644\u0630\u0647\u0628|"
        "\u0627\u0644\u0634\u0645\u0627\u0644|\u0627\u0644\u0635\u0628\u0627\u062d|"
        "\u0627\u0644\u062d\u062f\u064a\u0642\u0629|\u0627\u0644\u0628\u0639\u064a\u062f|"
        "\u0627\u0644\u0646\u0648\u0631|\u0627\u0644\u0648\u0631\u062f|\u0627\u0644\u0645\u0631\u0622\u0629",
    ),
    (
        "\u05d0\u05d5\u05e8 |\u05e8\u05d7\u05d5\u05d1 |\u05dc\u05d9\u05dc\u05d4 |\u05d2\u05e9\u05dd |"
        "\u05d7\u05dc\u05d5\u05df |\u05e7\u05d5\u05dc |\u05e2\u05e5 |\u05d3\u05e8\u05da |\u05d9\u05dd |"
        "\u05d1\u05d9\u05ea |\u05e9\u05d9\u05e8 ",
        "\u05db\u05d7\u05d5\u05dc|\u05e8\u05d7\u05d5\u05e7|\u05d9\u05e9\u05df|\u05e7\u05d8\u05df|"
        "\u05e9\u05e7\u05d8|\u05dc\u05d1\u05df|\u05d7\u05d3\u05e9|\u05d0\u05d7\u05e8\u05d5\u05df|"
        "\u05e4\u05ea\u05d5\u05d7|\u05de\u05ea\u05d5\u05e7|\u05d0\u05d7\u05d3",
    ),
    # Decomposed letters (a base letter and a combining mark): they look like composed ones and are not.
    (
        "Cafe\u0301 |Nin\u0303o |U\u0308ber |A\u030angstro\u0308m |C\u0327a |Zoe\u0308 |Ile\u0302 |"
        "Fa\u030ar |Sa\u0303o |Lo\u0301pe |Mu\u030cse ",
        "Soleil|Nacho\u0301|Stro\u0308m|Ge\u0301nie|Can\u0303on|Pe\u0302che|Go\u0308tter|Ro\u0301za|"
        "Li\u0301nea|Vo\u030cz|Ba\u0300r",
    ),
    (
        "Łódź |Straße |Søren |Þór |Çelik |Ñandú |Įdomu |Ærlig |Ölçü |Đêm |Șapte ",
        "Światło|Größe|Fjøs|Þögn|Işık|Corazón|Žvaigždė|Blåbær|Gökyüzü|Nắng|Țară",
    ),
    (
        "\U0001f319 |\U0001f525 |\U0001f30a |\U0001f3b7 |\U0001f98a |\U0001f680 |\u2764\ufe0f |"
        "\U0001f469\u200d\U0001f3a4 |\U0001f3f3\ufe0f\u200d\U0001f308 |\U0001f9d1\U0001f3fd\u200d\U0001f680 |"
        "\U0001f1ee\U0001f1f8 ",
        "Club|Tapes|Season|Motel|Radio|System|Society|Choir|Lab|Cartel|Planet",
    ),
)
SCRIPTS = tuple((tuple(firsts.split("|")), tuple(seconds.split("|"))) for firsts, seconds in _SCRIPTS)

LABELS = (
    "Lantern Street Records",
    "Heron & Daughter, Inc.",
    "Polar Kite",
    'The "Attic" Tapes',
    "Marble Arcade / Fjord Music, a division of Fathom Group",
    "Nordlys \N{LATIN CAPITAL LETTER O WITH STROKE}re Musikk",
    "Second Harbor Ltd.",
    "Tin Otter",
    "Copper Meadow Recordings",
    "Wydawnictwo Światło",
    "Sunken Ballroom",
    "月光唱片",
)

_GENRES = """
    ambient|art pop|baroque pop|bedroom pop|bossa nova|chamber folk|chillwave|city pop|cumbia|dance pop|deep house
    |desert blues|dream pop|drum and bass|dub|electro swing|flamenco|folk-pop|funk|garage rock|gospel|hip hop
    |indie folk|indie rock|j-pop|jazz fusion|k-indie|lo-fi beats|math rock|minimal techno|modern classical|neo soul
    |new wave|opera|post-punk|progressive house|psychedelic rock|r&b|reggae|rock|samba|shoegaze|singer-songwriter
    |ska|slowcore|soul|surf rock|synthpop|tango|trip hop|vocal jazz|yé-yé
"""
GENRES = tuple(genre.strip() for genre in _GENRES.split("|"))
