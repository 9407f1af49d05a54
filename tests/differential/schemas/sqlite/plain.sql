-- Tables that hide nothing: every kind of key, and every way to compare with it. No read has `*` for its columns: sqlx's rows panic when
-- their number changes between preparing and running.

-- @schema
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    org INTEGER NOT NULL DEFAULT 1,
    n INT,
    name TEXT,
    code VARCHAR(8) UNIQUE,
    flag BOOLEAN NOT NULL DEFAULT 0,
    day DATE,
    uid TEXT UNIQUE,
    price NUMERIC,
    weight REAL,
    loose TEXT COLLATE NOCASE,
    trimmed TEXT COLLATE RTRIM,
    anything,
    data BLOB
);
CREATE INDEX items_org ON items (org, n);
CREATE INDEX items_name ON items (name);
CREATE INDEX items_flag ON items (flag);
CREATE INDEX items_day ON items (day);
CREATE INDEX items_price ON items (price);
CREATE INDEX items_weight ON items (weight);
CREATE INDEX items_loose ON items (loose);
CREATE INDEX items_loosely ON items (name COLLATE NOCASE);
CREATE INDEX items_trimmed ON items (trimmed);
CREATE INDEX items_anything ON items (anything);
CREATE INDEX items_some ON items (n) WHERE flag;
CREATE TABLE lines (
    item INTEGER NOT NULL,
    no INTEGER NOT NULL,
    org INTEGER,
    doubled INTEGER GENERATED ALWAYS AS (no * 2) VIRTUAL,
    note TEXT DEFAULT 'new',
    PRIMARY KEY (item, no)
) WITHOUT ROWID;
CREATE INDEX lines_org ON lines (org);
CREATE INDEX lines_doubled ON lines (doubled);
CREATE TABLE firm (id INT PRIMARY KEY, n INTEGER, name TEXT) STRICT;
CREATE TABLE odd (id PRIMARY KEY, n);
CREATE TABLE numbered (no INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER);
CREATE TABLE replacing (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, code TEXT UNIQUE ON CONFLICT REPLACE, n INTEGER);

-- @tables
rw items id:key org:org n:maybe name:text code:code flag:flag day:day uid:uid price:price weight:weight loose:text trimmed:text anything:text
rw items id:key org:org n:n name:text anything:n
rw lines item:key no:n org:org note:text
lines item:key doubled:n
rw firm id:key n:n name:text
rw odd id:key n:n
rw odd id:text n:n
rw replacing id:key code:code n:n

-- @reads
SELECT id, org, n, name FROM items WHERE id = {key}
SELECT id, org, n, name FROM items WHERE id = {key}
SELECT id, org, code, day, price FROM items WHERE id IN ({key...})
SELECT id, n FROM items WHERE rowid = {key}
SELECT rowid, n FROM items WHERE id = {key}
SELECT rowid, n FROM odd WHERE id = {key}
SELECT id, name FROM items WHERE org = {org}
SELECT id, name FROM items WHERE org == {org} AND n = {n}
SELECT id, name FROM items WHERE (org, n) = ({org}, {n})
SELECT id, n FROM items WHERE name = {text}
SELECT id, n FROM items WHERE name = {text} COLLATE NOCASE
SELECT id, n FROM items WHERE code = {code}
SELECT id, n FROM items WHERE code = {code} OR id = {key}
SELECT id, n FROM items WHERE flag = {flag}
SELECT id, n FROM items WHERE flag
SELECT id, n FROM items WHERE flag IS TRUE AND org = {org}
SELECT id, n FROM items WHERE day = {day}
SELECT id, n FROM items WHERE uid = {uid}
SELECT id, n FROM items WHERE price = {price}
SELECT id, n FROM items WHERE weight = {weight}
SELECT id, n FROM items WHERE loose = {text}
SELECT id, n FROM items WHERE trimmed = {text}
SELECT id, n FROM items WHERE anything = {text}
SELECT id, n FROM items WHERE anything = {n}
SELECT id, n FROM items WHERE id IS {key}
SELECT id, n FROM items WHERE id = {key} AND id = {key}
SELECT id, n FROM items WHERE +id = {key}
SELECT id, n FROM items WHERE id = {text}
SELECT id, n FROM items WHERE name = {n}
SELECT id, n FROM items WHERE id BETWEEN {key} AND {key} ORDER BY id
SELECT id, org, n FROM items ORDER BY n, id LIMIT 3
SELECT count(*), sum(n), max(id) FROM items
SELECT org, count(*), min(name) FROM items GROUP BY org
SELECT i.id, l.no, l.note FROM items i JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no, l.note FROM items i LEFT JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no, l.note FROM items i LEFT JOIN lines l ON l.item = i.id AND l.item = {key}
SELECT i.id, l.no FROM items i, lines l WHERE l.item = i.id AND l.item = {key}
SELECT i.id, l.no FROM items i RIGHT JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no FROM items i FULL JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, o.n FROM items i JOIN odd o ON o.id = i.id WHERE i.id = {key}
SELECT i.id, o.n FROM items i JOIN odd o ON o.id = i.name WHERE i.name = {text}
SELECT i.id, f.n FROM items i JOIN firm f ON f.name = i.loose WHERE i.loose = {text}
SELECT a.id, b.id FROM items a JOIN items b ON a.org = b.org WHERE a.org = {org}
SELECT a.id, b.id FROM items a JOIN items b ON a.org = b.org WHERE a.id = {key}
SELECT a.id FROM items a JOIN items b USING (org, n) WHERE org = {org}
SELECT id FROM items NATURAL JOIN firm WHERE id = {key}
SELECT l.no, l.doubled FROM lines l WHERE l.item = {key} AND l.no = {n}
SELECT item, no FROM lines WHERE doubled = {n}
SELECT id FROM items WHERE id = (SELECT max(item) FROM lines WHERE org = {org})
SELECT id, (SELECT count(*) FROM lines l WHERE l.item = i.id) FROM items i WHERE i.id = {key}
SELECT id FROM items i WHERE EXISTS (SELECT 1 FROM lines l WHERE l.item = {key}) AND id = {same}
SELECT id FROM items WHERE id = {key} UNION SELECT item FROM lines WHERE item = {key}
SELECT id FROM items WHERE id = {key} EXCEPT SELECT item FROM lines WHERE item = {key}
WITH mine AS (SELECT * FROM items WHERE org = {org}) SELECT id, n FROM mine WHERE id = {key}
WITH items AS (SELECT item AS id, org FROM lines) SELECT id FROM items WHERE id = {key}
SELECT x.id, x.n FROM (SELECT id, n FROM items WHERE id = {key}) x
SELECT count(*) FILTER (WHERE id = {key}) FROM items
SELECT id, rank() OVER (ORDER BY n, id) FROM items WHERE org = {org}
SELECT CASE WHEN id = {key} THEN n ELSE 0 END FROM items
SELECT id FROM items WHERE name LIKE {text}
SELECT id FROM items WHERE name GLOB {text}
SELECT id, n FROM firm WHERE id = {key}
SELECT id, n FROM odd WHERE id = {key}
SELECT id, n FROM odd WHERE id = {text}
SELECT no, n FROM numbered WHERE no = {key}
SELECT id, code, n FROM replacing WHERE id = {key}
SELECT id, code, n FROM replacing WHERE code = {code}
SELECT max(no) FROM numbered
SELECT count(*) FROM json_each('[1,2]') j JOIN items i ON i.id = j.value
SELECT id FROM items INDEXED BY items_org WHERE org = {org}

-- @writes
UPDATE items SET n = {maybe} WHERE id = {key}
UPDATE items SET n = {n!} WHERE id = {key}
UPDATE items SET n = {n!} WHERE rowid = {key}
UPDATE items SET rowid = {key!} + 12 WHERE id = {key}
UPDATE items SET id = id - 12 WHERE id > 12
UPDATE items SET name = {text}, flag = {flag} WHERE id IN ({key...})
UPDATE items SET n = {n!} WHERE org = {org}
UPDATE items SET org = {org} WHERE id = {key}
UPDATE items SET org = {org} WHERE org = {org}
UPDATE items SET id = {key} WHERE id = {key}
UPDATE OR REPLACE items SET id = {key} WHERE id = {key}
UPDATE OR IGNORE items SET id = {key} WHERE org = {org}
UPDATE OR REPLACE items SET code = {code} WHERE id = {key}
UPDATE items SET (n, org) = ({n!}, {org!}) WHERE id = {key}
UPDATE items SET n = l.no FROM lines l WHERE l.item = items.id AND items.id = {key}
UPDATE items SET n = 0 WHERE code = {code}
UPDATE items SET n = 1 WHERE name = {text}
UPDATE items SET n = 2 WHERE loose = {text}
UPDATE items SET n = 3 WHERE trimmed = {text}
UPDATE items SET n = 4 WHERE anything = {text}
UPDATE items SET n = 5 WHERE anything = {n}
UPDATE items SET n = 5 WHERE price = {price}
UPDATE items SET n = 6 WHERE weight = {weight}
UPDATE items SET n = 7 WHERE uid = {uid}
UPDATE items SET n = 8 WHERE day = {day}
UPDATE items SET n = 9 WHERE flag = {flag}
UPDATE items SET n = 2 WHERE id = {key} RETURNING *
UPDATE lines SET no = no + 10 WHERE item = {key} AND no = {n}
UPDATE lines SET no = {n!} WHERE item = {key}
UPDATE lines SET note = {text} WHERE item = {key}
DELETE FROM items WHERE id = {key}
DELETE FROM items WHERE id BETWEEN {key!} AND {key!} AND n = {n}
DELETE FROM lines WHERE item = {key}
DELETE FROM lines WHERE item = {key} AND no = {n} RETURNING no
INSERT INTO items (id, org, n, name) VALUES ({key}, {org}, {n!}, {text})
INSERT INTO items (id, org, n, name) VALUES ({key}, {org}, {n!}, {text}), ({key}, {org}, {n!}, {text})
INSERT INTO items (org, n) VALUES ({org}, {n!})
INSERT INTO items (id, org) VALUES (NULL, {org})
INSERT INTO items (rowid, org) VALUES ({key}, {org})
INSERT OR REPLACE INTO items (id, org, n, code) VALUES ({key}, {org}, {n!}, {code})
REPLACE INTO items (id, org, n) VALUES ({key}, {org}, {n!})
INSERT OR IGNORE INTO items (id, org) VALUES ({key}, {org})
INSERT INTO items (id, org, n) VALUES ({key}, {org}, {n!}) ON CONFLICT (id) DO UPDATE SET n = excluded.n, org = excluded.org
INSERT INTO items (id, org, code) VALUES ({key}, {org}, {code}) ON CONFLICT (code) DO UPDATE SET org = excluded.org
INSERT INTO items (id, org, n) SELECT item, org, no FROM lines WHERE org = {org} ON CONFLICT DO NOTHING
INSERT INTO lines (item, no, org) VALUES ({key}, {n}, {org}) RETURNING *
INSERT INTO odd VALUES ({key}, {n!})
INSERT INTO odd VALUES ({text}, {n!})
UPDATE odd SET n = {n!} WHERE id = {key}
UPDATE odd SET n = {n!} WHERE id = {text}
UPDATE odd SET n = {n!} WHERE rowid = {key}
DELETE FROM odd WHERE n = {n}
UPDATE firm SET n = {n!} WHERE id = {key}
INSERT INTO firm VALUES ({key}, {n!}, {text})
INSERT INTO numbered (n) VALUES ({n!})
INSERT INTO numbered VALUES (NULL, {n!})
DELETE FROM numbered WHERE no = {key}
INSERT INTO replacing VALUES ({key}, {code}, {n!})
UPDATE replacing SET code = {code} WHERE id = {key}
UPDATE replacing SET n = {n!} WHERE id = {key}
! DELETE FROM lines

-- @refill
INSERT OR IGNORE INTO items (id, org, n, name, code, flag, day, uid, price, weight, loose, trimmed, anything) WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, 1 + g % 4, g % 10, char(96 + g), 'c' || g, g % 2 = 0, '2024-01-0' || (1 + g % 6), '00000000-0000-0000-0000-0000abcdef0' || g, g % 4, g % 3 / 2.0, char(64 + g), char(96 + g), CASE g % 2 WHEN 0 THEN g ELSE char(96 + g) END FROM g
INSERT OR IGNORE INTO lines (item, no, org) WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT a.g, b.g % 3, 1 + (a.g + b.g) % 4 FROM g a, g b WHERE b.g < 4
INSERT OR IGNORE INTO firm SELECT id, n, name FROM items
INSERT OR IGNORE INTO odd SELECT id, n FROM items
INSERT INTO replacing SELECT id, code, n FROM items WHERE id < 5
DELETE FROM items WHERE id > 12
DELETE FROM numbered WHERE no < (SELECT max(no) - 10 FROM numbered)

-- @ddl
ALTER TABLE items ADD COLUMN extra INTEGER DEFAULT 7
ALTER TABLE items DROP COLUMN extra
CREATE INDEX IF NOT EXISTS by_n ON items (n)
DROP INDEX IF EXISTS by_n
ANALYZE items

-- @outside
CREATE UNIQUE INDEX IF NOT EXISTS one_of_each ON lines (item, no, org)
DROP INDEX IF EXISTS one_of_each
