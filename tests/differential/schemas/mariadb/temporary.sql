-- Temporary tables that hide others, on a connection that is held and on whichever the pool takes, and what becomes of reads and
-- writes of the hidden ones, there and elsewhere.

-- @schema
CREATE TABLE drafts (id INT PRIMARY KEY, n INT);
CREATE TABLE sketches (id INT PRIMARY KEY, n INT);
CREATE TABLE outlines (id INT PRIMARY KEY, n INT);
CREATE TABLE written (id INT PRIMARY KEY, n INT);
CREATE VIEW over_drafts AS SELECT id, n FROM drafts;
CREATE TRIGGER noted AFTER UPDATE ON drafts FOR EACH ROW UPDATE written SET n = NEW.n WHERE id = NEW.id;

-- @tables
rw drafts id:key n:n
rw sketches id:key n:n
over_drafts id:key n:n
rw outlines id:key n:n
written id:key n:n

-- @reads
SELECT id, n FROM drafts WHERE id = {key}
SELECT id, n FROM sketches WHERE id = {key}
SELECT id, n FROM outlines WHERE id = {key}
SELECT id, n FROM over_drafts WHERE id = {key}
SELECT id, n FROM written WHERE id = {key}
SELECT d.id, s.n FROM drafts d JOIN sketches s ON s.id = d.id WHERE d.id = {key}

-- @writes
UPDATE drafts SET n = {n!} WHERE id = {key}
UPDATE over_drafts SET n = {n!} WHERE id = {key}
UPDATE sketches SET n = {n!} WHERE id = {key}
UPDATE outlines SET n = {n!} WHERE id = {key}
DELETE FROM drafts WHERE id = {key}

-- @refill
INSERT IGNORE INTO drafts WITH RECURSIVE g (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g WHERE g < 12) SELECT g, g % 10 FROM g
INSERT IGNORE INTO sketches SELECT id, n FROM drafts
INSERT IGNORE INTO outlines SELECT id, n FROM drafts
INSERT IGNORE INTO written SELECT id, n FROM drafts

-- @session
CREATE TEMPORARY TABLE drafts (id INT PRIMARY KEY, n INT) AS SELECT id, 77 AS n FROM outlines
CREATE TEMPORARY TABLE sketches (id INT PRIMARY KEY, n INT)
CREATE OR REPLACE TEMPORARY TABLE outlines (id INT PRIMARY KEY, n INT) AS SELECT id, 55 AS n FROM written
UPDATE drafts SET n = {n!} WHERE id = {key}
UPDATE sketches SET n = {n!} WHERE id = {key}
INSERT IGNORE INTO sketches VALUES ({key}, {n!})
DROP TEMPORARY TABLE IF EXISTS drafts
DROP TEMPORARY TABLE IF EXISTS sketches
