-- Temporary tables, views and triggers, on a connection that is held and on whichever the pool takes, and what becomes of reads and
-- writes of what they hide, there and elsewhere.

-- @schema
CREATE TABLE drafts (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE sketches (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE plans (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE written (id INTEGER PRIMARY KEY, n INTEGER);
CREATE VIEW over_drafts AS SELECT id, n FROM drafts;
CREATE TRIGGER noted AFTER UPDATE ON drafts BEGIN UPDATE written SET n = NEW.n WHERE id = NEW.id; END;

-- @tables
rw drafts id:key n:n
rw main.drafts id:key n:n
rw sketches id:key n:n
over_drafts id:key n:n
rw plans id:key n:n
written id:key n:n

-- @reads
SELECT id, n FROM drafts WHERE id = {key}
SELECT id, n FROM main.drafts WHERE id = {key}
SELECT id, n FROM sketches WHERE id = {key}
SELECT id, n FROM plans WHERE id = {key}
SELECT id, n FROM over_drafts WHERE id = {key}
SELECT id, n FROM written WHERE id = {key}
SELECT d.id, s.n FROM drafts d JOIN sketches s ON s.id = d.id WHERE d.id = {key}

-- @writes
UPDATE drafts SET n = {n!} WHERE id = {key}
UPDATE main.drafts SET n = {n!} WHERE id = {key}
UPDATE sketches SET n = {n!} WHERE id = {key}
UPDATE plans SET n = {n!} WHERE id = {key}
DELETE FROM drafts WHERE id = {key}

-- @refill
INSERT OR IGNORE INTO main.drafts WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, g % 10 FROM g
INSERT OR IGNORE INTO main.sketches SELECT id, n FROM main.drafts
INSERT OR IGNORE INTO main.plans SELECT id, n FROM main.drafts
INSERT OR IGNORE INTO main.written SELECT id, n FROM main.drafts

-- @session
CREATE TEMP TABLE drafts AS SELECT id, 77 AS n FROM main.drafts
CREATE TEMP TABLE sketches (id INTEGER PRIMARY KEY, n INTEGER)
CREATE TEMP VIEW plans AS SELECT id, 66 AS n FROM main.plans
CREATE TEMP TRIGGER hidden AFTER UPDATE ON main.drafts BEGIN UPDATE plans SET n = NEW.n; END
CREATE TEMP TRIGGER hides AFTER UPDATE ON main.sketches BEGIN UPDATE written SET n = NEW.n; END
UPDATE drafts SET n = {n!} WHERE id = {key}
UPDATE main.drafts SET n = {n!} WHERE id = {key}
UPDATE sketches SET n = {n!} WHERE id = {key}
UPDATE main.sketches SET n = {n!} WHERE id = {key}
INSERT OR IGNORE INTO sketches VALUES ({key}, {n!})
DROP TABLE IF EXISTS temp.drafts
DROP TABLE IF EXISTS temp.sketches
