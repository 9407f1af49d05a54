-- Rules: what is done besides, instead, on a condition, and not at all.

-- @schema
CREATE TABLE notes (id int PRIMARY KEY, org int, n int, name text);
CREATE TABLE notes_log (id int, what text);
CREATE TABLE notes_count (org int PRIMARY KEY, n int NOT NULL);
CREATE TABLE shadows (id int PRIMARY KEY, n int);
CREATE TABLE closed (id int PRIMARY KEY, n int);
CREATE VIEW board AS SELECT id, n FROM notes;
CREATE RULE logs_insert AS ON INSERT TO notes DO ALSO INSERT INTO notes_log VALUES (NEW.id, 'new');
CREATE RULE logs_update AS ON UPDATE TO notes WHERE OLD.n <> NEW.n DO ALSO (
    INSERT INTO notes_log VALUES (NEW.id, 'changed');
    UPDATE notes_count SET n = n + 1 WHERE org = NEW.org
);
CREATE RULE shadows_delete AS ON DELETE TO notes DO ALSO DELETE FROM shadows WHERE id = OLD.id;
CREATE RULE writes_board AS ON UPDATE TO board DO INSTEAD UPDATE shadows SET n = NEW.n WHERE id = OLD.id;
CREATE RULE fills_board AS ON INSERT TO board DO INSTEAD INSERT INTO shadows VALUES (NEW.id, NEW.n);
CREATE RULE empties_board AS ON DELETE TO board DO INSTEAD NOTHING;
CREATE RULE stays_closed AS ON UPDATE TO closed DO INSTEAD NOTHING;
CREATE RULE moves_closed AS ON DELETE TO closed DO INSTEAD UPDATE notes SET name = 'closed' WHERE id = OLD.id;

-- @tables
notes id:key org:org n:n name:text
notes_log id:key what:text
notes_count org:org n:n
rw shadows id:key n:n
rw board id:key n:n
closed id:key n:n

-- @reads
SELECT id, org, n, name FROM notes WHERE id = {key}
SELECT id, name FROM notes WHERE org = {org}
SELECT id, what FROM notes_log WHERE id = {key}
SELECT count(*) FROM notes_log
SELECT org, n FROM notes_count WHERE org = {org}
SELECT id, n FROM shadows WHERE id = {key}
SELECT id, n FROM board WHERE id = {key}
SELECT id, n FROM closed WHERE id = {key}
SELECT b.id, s.n FROM board b JOIN shadows s ON s.id = b.id WHERE b.id = {key}

-- @writes
INSERT INTO notes VALUES ({key}, {org}, {n!}, {text})
INSERT INTO notes SELECT id + 12, 1, n FROM shadows WHERE id = {key} AND NOT EXISTS (SELECT FROM notes n WHERE n.id = shadows.id + 12)
UPDATE notes SET n = {n!} WHERE id = {key}
UPDATE notes SET name = {text} WHERE id = {key}
UPDATE notes SET n = {n!} WHERE org = {org}
DELETE FROM notes WHERE id = {key}
DELETE FROM notes WHERE id > 12
UPDATE board SET n = {n!} WHERE id = {key}
INSERT INTO board VALUES ({key}, {n!})
DELETE FROM board WHERE id = {key}
UPDATE closed SET n = {n!} WHERE id = {key}
DELETE FROM closed WHERE id = {key}
UPDATE shadows SET n = {n!} WHERE id = {key}
DELETE FROM notes_log WHERE id = {key}
! TRUNCATE notes_log

-- @refill
INSERT INTO notes SELECT g, 1 + g % 4, g % 10, chr(96 + g) FROM generate_series(1, 12) g WHERE NOT EXISTS (SELECT FROM notes n WHERE n.id = g)
INSERT INTO notes_count SELECT g, 0 FROM generate_series(1, 4) g ON CONFLICT DO NOTHING
INSERT INTO shadows SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO closed SELECT g, g % 10 FROM generate_series(1, 12) g WHERE NOT EXISTS (SELECT FROM closed c WHERE c.id = g)
DELETE FROM notes_log WHERE ctid NOT IN (SELECT ctid FROM notes_log ORDER BY ctid DESC LIMIT 20)

-- @ddl
CREATE OR REPLACE RULE writes_board AS ON UPDATE TO board DO INSTEAD UPDATE notes_count SET n = NEW.n WHERE org = OLD.id
CREATE OR REPLACE RULE writes_board AS ON UPDATE TO board DO INSTEAD UPDATE shadows SET n = NEW.n WHERE id = OLD.id
DROP RULE IF EXISTS stays_closed ON closed
CREATE OR REPLACE RULE stays_closed AS ON UPDATE TO closed DO INSTEAD NOTHING
ALTER TABLE notes DISABLE RULE logs_update
ALTER TABLE notes ENABLE RULE logs_update

-- @outside
CREATE OR REPLACE RULE stays_closed AS ON UPDATE TO closed DO INSTEAD UPDATE shadows SET n = NEW.n WHERE id = NEW.id
