-- Tables of the same name: in a second database, under names that only differ in case, hidden by temporary tables, renamed and swapped.

-- @schema
CREATE TABLE places (id INT PRIMARY KEY, n INT);
CREATE TABLE NORTH.places (id INT PRIMARY KEY, n INT);
CREATE TABLE `Places` (id INT PRIMARY KEY, n INT);
CREATE TABLE copies (id INT PRIMARY KEY, n INT);
CREATE TABLE NORTH.copies (id INT PRIMARY KEY, n INT);
CREATE TABLE NORTH.only_north (id INT PRIMARY KEY, n INT);
CREATE TABLE shadowed (id INT PRIMARY KEY, n INT);
CREATE TABLE day_shift (id INT PRIMARY KEY, n INT, m INT);
CREATE TABLE night_shift (id INT PRIMARY KEY, n INT, m INT);
CREATE TABLE children (id INT PRIMARY KEY, place INT, FOREIGN KEY (place) REFERENCES NORTH.places (id) ON DELETE CASCADE);
CREATE VIEW seen AS SELECT id, n FROM places;
CREATE VIEW NORTH.seen AS SELECT id, n FROM NORTH.places;
CREATE VIEW across AS SELECT id, n FROM NORTH.places;
CREATE TRIGGER copied AFTER UPDATE ON places FOR EACH ROW UPDATE copies SET n = NEW.n WHERE id = NEW.id;
CREATE TRIGGER NORTH.copied AFTER UPDATE ON NORTH.places FOR EACH ROW UPDATE copies SET n = NEW.n WHERE id = NEW.id;
CREATE FUNCTION NORTH.by_schema(x INT) RETURNS INT READS SQL DATA RETURN (SELECT n FROM places WHERE id = x);

-- @tables
rw places id:key n:n
rw NORTH.places id:key n:n
rw `Places` id:key n:n
copies id:key n:n
NORTH.copies id:key n:n
rw NORTH.only_north id:key n:n
rw day_shift id:key n:n m:n
seen id:key n:n
rw across id:key n:n
children id:key place:key

-- @reads
SELECT id, n FROM places WHERE id = {key}
SELECT id, n FROM `Places` WHERE id = {key}
SELECT id, n FROM Places WHERE ID = {key}
SELECT id, n FROM NORTH.places WHERE id = {key}
SELECT id, n FROM NORTH.only_north WHERE id = {key}
SELECT id, n FROM copies WHERE id = {key}
SELECT id, n FROM NORTH.copies WHERE id = {key}
SELECT id, n FROM seen WHERE id = {key}
SELECT id, n FROM NORTH.seen WHERE id = {key}
SELECT id, n FROM across WHERE id = {key}
SELECT id, n FROM shadowed WHERE id = {key}
SELECT id, place FROM children WHERE place = {key}
SELECT a.id, b.n FROM places a JOIN NORTH.places b ON b.id = a.id WHERE a.id = {key}
SELECT id, NORTH.by_schema(id) FROM places WHERE id = {key}
SELECT id, n, m FROM day_shift WHERE id = {key}
SELECT id, m FROM night_shift WHERE n = {n}

-- @writes
UPDATE places SET n = {n!} WHERE id = {key}
UPDATE NORTH.places SET n = {n!} WHERE id = {key}
UPDATE `Places` SET n = {n!} WHERE id = {key}
UPDATE NORTH.only_north SET n = {n!} WHERE id = {key}
UPDATE shadowed SET n = {n!} WHERE id = {key}
UPDATE across SET n = {n!} WHERE id = {key}
UPDATE day_shift SET n = {n!} WHERE id = {key}
UPDATE day_shift SET m = {n!} WHERE n = {n}
UPDATE night_shift SET m = {n!} WHERE id = {key}
DELETE FROM places WHERE id = {key}
DELETE FROM NORTH.places WHERE id = {key}
REPLACE INTO places SELECT id, n FROM NORTH.places
UPDATE places a JOIN NORTH.places b ON b.id = a.id SET a.n = b.n WHERE a.id = {key}
! TRUNCATE NORTH.copies

-- @refill
INSERT IGNORE INTO places WITH RECURSIVE g (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g WHERE g < 12) SELECT g, g % 10 FROM g
INSERT IGNORE INTO NORTH.places SELECT id, n FROM places
INSERT IGNORE INTO `Places` SELECT id, n FROM places
INSERT IGNORE INTO copies SELECT id, n FROM places
INSERT IGNORE INTO NORTH.copies SELECT id, n FROM places
INSERT IGNORE INTO NORTH.only_north SELECT id, n FROM places
INSERT IGNORE INTO shadowed SELECT id, n FROM places
INSERT IGNORE INTO day_shift SELECT id, n, 9 - n FROM places
INSERT IGNORE INTO night_shift SELECT id, 9 - n, n FROM places
INSERT IGNORE INTO children SELECT id, id FROM NORTH.places

-- @ddl
RENAME TABLE day_shift TO swapping, night_shift TO day_shift, swapping TO night_shift
ALTER TABLE day_shift RENAME COLUMN n TO swapping; ALTER TABLE day_shift RENAME COLUMN m TO n; ALTER TABLE day_shift RENAME COLUMN swapping TO m
CREATE OR REPLACE TABLE shadowed (id INT PRIMARY KEY, n INT) AS SELECT id, n + 1 AS n FROM places
CREATE OR REPLACE VIEW across AS SELECT id, n FROM NORTH.only_north
CREATE OR REPLACE VIEW across AS SELECT id, n FROM NORTH.places

-- @outside
RENAME TABLE day_shift TO swapping, night_shift TO day_shift, swapping TO night_shift
CREATE OR REPLACE TABLE shadowed (id INT PRIMARY KEY, n INT) AS SELECT id, n + 2 AS n FROM NORTH.places
CREATE OR REPLACE VIEW across AS SELECT id, n FROM `Places`

-- @session
UPDATE places SET n = {n!} WHERE id = {key}
USE NORTH
SET sql_mode = ''
SET sql_mode = 'ANSI_QUOTES'
SET SESSION TRANSACTION READ ONLY
SET foreign_key_checks = 0
SET autocommit = 0
SET @x = 3
