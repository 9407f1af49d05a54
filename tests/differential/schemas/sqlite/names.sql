-- Tables of the same name: in an attached database, under names that only differ in case, hidden by temporary tables, and
-- renamed or swapped. No table is made in `main` that hides one of `north`: another connection notices only when it next has to do
-- with `main`, and until then reads the old one, so that two connections without any cache differ.

-- @schema
CREATE TABLE main.places (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE north.places (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE north.only_north (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE main.copies (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE north.copies (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE north.shadowed (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE day_shift (id INTEGER PRIMARY KEY, n INTEGER, m INTEGER);
CREATE TABLE night_shift (id INTEGER PRIMARY KEY, n INTEGER, m INTEGER);
CREATE TABLE base (id INTEGER PRIMARY KEY, n INTEGER);
CREATE VIEW main.seen AS SELECT id, n FROM places;
CREATE VIEW north.seen AS SELECT id, n FROM places;
CREATE TRIGGER main.copied AFTER UPDATE ON places BEGIN UPDATE copies SET n = NEW.n WHERE id = NEW.id; END;
CREATE TRIGGER north.copied AFTER UPDATE ON places BEGIN UPDATE copies SET n = NEW.n WHERE id = NEW.id; END;

-- @tables
rw places id:key n:n
rw main.places id:key n:n
rw north.places id:key n:n
rw only_north id:key n:n
copies id:key n:n
north.copies id:key n:n
rw day_shift id:key n:n m:n
seen id:key n:n

-- @reads
SELECT id, n FROM places WHERE id = {key}
SELECT id, n FROM PLACES WHERE id = {key}
SELECT id, n FROM "Places" WHERE id = {key}
SELECT id, n FROM [places] WHERE id = {key}
SELECT id, n FROM main.places WHERE id = {key}
SELECT id, n FROM north.places WHERE id = {key}
SELECT id, n FROM only_north WHERE id = {key}
SELECT id, n FROM copies WHERE id = {key}
SELECT id, n FROM north.copies WHERE id = {key}
SELECT id, n FROM seen WHERE id = {key}
SELECT id, n FROM north.seen WHERE id = {key}
SELECT id, n FROM shadowed WHERE id = {key}
SELECT count(*) FROM shadowed
SELECT a.id, b.n FROM places a JOIN north.places b ON b.id = a.id WHERE a.id = {key}
SELECT id, n, m FROM day_shift WHERE id = {key}
SELECT id, m FROM night_shift WHERE n = {n}
SELECT id, n FROM base WHERE id = {key}

-- @writes
UPDATE places SET n = {n!} WHERE id = {key}
UPDATE PLACES SET n = {n!} WHERE ID = {key}
UPDATE main.places SET n = {n!} WHERE id = {key}
UPDATE north.places SET n = {n!} WHERE id = {key}
UPDATE only_north SET n = {n!} WHERE id = {key}
UPDATE north.only_north SET n = {n!} WHERE id = {key}
UPDATE shadowed SET n = {n!} WHERE id = {key}
UPDATE north.shadowed SET n = {n!} WHERE id = {key}
UPDATE day_shift SET n = {n!} WHERE id = {key}
UPDATE day_shift SET m = {n!} WHERE n = {n}
UPDATE night_shift SET m = {n!} WHERE id = {key}
UPDATE base SET n = {n!} WHERE id = {key}
DELETE FROM places WHERE id = {key}
DELETE FROM north.places WHERE id = {key}
INSERT OR REPLACE INTO places SELECT id, n FROM north.places
! DELETE FROM north.copies

-- @refill
INSERT OR IGNORE INTO places WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, g % 10 FROM g
INSERT OR IGNORE INTO north.places SELECT id, n FROM places
INSERT OR IGNORE INTO only_north SELECT id, n FROM places
INSERT OR IGNORE INTO copies SELECT id, n FROM places
INSERT OR IGNORE INTO north.copies SELECT id, n FROM places
INSERT OR IGNORE INTO north.shadowed SELECT id, n FROM places
INSERT OR IGNORE INTO day_shift SELECT id, n, 9 - n FROM places
INSERT OR IGNORE INTO night_shift SELECT id, 9 - n, n FROM places
INSERT OR IGNORE INTO base SELECT id, n FROM places

-- @ddl
ALTER TABLE day_shift RENAME TO swapping; ALTER TABLE night_shift RENAME TO day_shift; ALTER TABLE swapping RENAME TO night_shift
ALTER TABLE day_shift RENAME COLUMN n TO swapping; ALTER TABLE day_shift RENAME COLUMN m TO n; ALTER TABLE day_shift RENAME COLUMN swapping TO m
DROP TABLE IF EXISTS base; CREATE TABLE base (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO base SELECT id, n + 1 FROM places
DROP TABLE IF EXISTS base; CREATE TABLE base AS SELECT id, n + 2 AS n FROM places

-- @outside
ALTER TABLE day_shift RENAME TO swapping; ALTER TABLE night_shift RENAME TO day_shift; ALTER TABLE swapping RENAME TO night_shift
DROP TABLE IF EXISTS base; CREATE TABLE base (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO base SELECT id, 9 - n FROM places

-- @session
UPDATE places SET n = {n!} WHERE id = {key}
UPDATE main.places SET n = {n!} WHERE id = {key}
ATTACH ':memory:' AS other
DETACH other
PRAGMA case_sensitive_like = 1
PRAGMA foreign_keys = 0
