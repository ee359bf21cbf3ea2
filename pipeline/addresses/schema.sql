-- Addresses by street: a nation has 250,000 streets and 10 million addresses, so that words are
-- sought among streets, and numbers and postcodes by plain indexes.
CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT, folded TEXT,
                    west INTEGER, south INTEGER, east INTEGER, north INTEGER);
CREATE TABLE street (id INTEGER PRIMARY KEY, place INTEGER, name TEXT, folded TEXT,
                     west INTEGER, south INTEGER, east INTEGER, north INTEGER);
-- x, y: decimetres in RD; postcode: a whole number, see index.py; building: the first of its own.
CREATE TABLE address (id INTEGER PRIMARY KEY, street INTEGER, number INTEGER, suffix TEXT,
                      postcode INTEGER, x INTEGER, y INTEGER, building INTEGER);
-- Further buildings of an address, of which few have any.
CREATE TABLE further (address INTEGER, building INTEGER);
CREATE TABLE counts (addresses INTEGER, incomplete INTEGER, without_building INTEGER);
CREATE TABLE name (id INTEGER PRIMARY KEY, folded TEXT UNIQUE);
-- Words of a street, its place and the other names of that; the row is that of the street.
CREATE VIRTUAL TABLE words USING fts5(street, place, content='', prefix='1 2 3',
                                      tokenize="unicode61 remove_diacritics 2");
-- Three letters at a time of each name of a street or a place, for what was misspelt.
CREATE VIRTUAL TABLE letters USING fts5(folded, content='', detail=none, tokenize='trigram');
CREATE VIRTUAL TABLE letter_counts USING fts5vocab('letters', 'row');
