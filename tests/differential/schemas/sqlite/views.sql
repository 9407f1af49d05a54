-- Views: on views, and written by INSTEAD OF triggers.

-- @schema
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);
CREATE TABLE people (id INTEGER PRIMARY KEY, team INTEGER, name TEXT, n INTEGER, active INTEGER NOT NULL DEFAULT 1);
CREATE INDEX people_team ON people (team);
CREATE VIEW active_people AS SELECT id, team, name, n FROM people WHERE active;
CREATE VIEW named_people (number, of_team, n) AS SELECT id, team, n FROM active_people WHERE name <> '';
CREATE VIEW swapped AS SELECT id AS team, team AS id, n AS m FROM people;
CREATE VIEW sizes AS SELECT t.id, t.name, count(p.id) AS size, sum(p.n) AS total FROM teams t LEFT JOIN people p ON p.team = t.id GROUP BY t.id;
CREATE VIEW everybody (id, label) AS SELECT id, name FROM people UNION ALL SELECT id + 100, name FROM Teams;
CREATE VIEW distant AS SELECT id, (SELECT max(n) FROM teams) AS top FROM people;
CREATE VIEW "Loud View" AS WITH people AS (SELECT id, name FROM teams) SELECT id, name FROM people;
CREATE VIEW desk AS SELECT p.id, p.n, t.name FROM people p JOIN teams t ON t.id = p.team;
CREATE TRIGGER written INSTEAD OF UPDATE ON desk BEGIN
    UPDATE people SET n = NEW.n WHERE id = NEW.id;
    UPDATE teams SET name = NEW.name WHERE id = (SELECT team FROM people WHERE id = NEW.id);
END;
CREATE TRIGGER removed INSTEAD OF DELETE ON desk BEGIN DELETE FROM people WHERE id = OLD.id; END;
CREATE TRIGGER added INSTEAD OF INSERT ON active_people BEGIN INSERT OR REPLACE INTO people (id, team, n) VALUES (NEW.id, NEW.team, NEW.n); END;

-- @tables
rw teams id:org name:text n:n
rw people id:key team:org name:text n:n
people id:key team:org active:flag
active_people id:key team:org name:text n:n
named_people number:key of_team:org n:n
swapped team:key id:org m:n
sizes id:org size:n total:n
everybody id:key label:text
rw desk id:key n:n name:text

-- @reads
SELECT id, name, n FROM active_people WHERE id = {key}
SELECT id FROM active_people WHERE team = {org}
SELECT number, n FROM named_people WHERE number = {key}
SELECT number FROM named_people WHERE of_team = {org}
SELECT * FROM named_people
SELECT team, id, m FROM swapped WHERE id = {org}
SELECT team, id, m FROM swapped WHERE team = {key}
SELECT id, name, size, total FROM sizes WHERE id = {org}
SELECT id, label FROM everybody WHERE id = {key}
SELECT id, top FROM distant WHERE id = {key}
SELECT id, name FROM "Loud View" WHERE id = {org}
SELECT id, n, name FROM desk WHERE id = {key}
SELECT a.id, s.size FROM active_people a JOIN sizes s ON s.id = a.team WHERE a.id = {key}
SELECT p.id FROM people p WHERE p.team IN (SELECT id FROM sizes WHERE size > {n!})
WITH v AS (SELECT * FROM named_people) SELECT number FROM v WHERE number = {key}

-- @writes
UPDATE people SET n = {n!} WHERE id = {key}
UPDATE people SET active = {flag} WHERE id = {key}
UPDATE people SET team = {org} WHERE id = {key}
UPDATE people SET n = {n!} WHERE team = {org}
UPDATE teams SET n = {n!} WHERE id = {org}
UPDATE teams SET name = {text} WHERE id = {org}
UPDATE desk SET n = {n!}, name = {text} WHERE id = {key}
DELETE FROM desk WHERE id = {key}
DELETE FROM teams WHERE id = {org}
INSERT INTO active_people (id, team, name, n) VALUES ({key!}, {org!}, {text}, {n!})
INSERT INTO people (id, team, n) VALUES ({key}, {org}, {n!}) ON CONFLICT (id) DO UPDATE SET team = excluded.team
! DELETE FROM people

-- @refill
INSERT OR IGNORE INTO teams VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4)
INSERT OR IGNORE INTO people WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, 1 + g % 4, char(96 + g), g % 10, g % 3 > 0 FROM g

-- @ddl
DROP VIEW IF EXISTS distant; CREATE VIEW distant AS SELECT id, (SELECT min(team) FROM swapped) AS top FROM teams
DROP VIEW IF EXISTS distant; CREATE VIEW distant AS SELECT id, (SELECT max(n) FROM teams) AS top FROM people
DROP VIEW IF EXISTS "Loud View"; CREATE VIEW "Loud View" AS SELECT id, name FROM people
DROP TRIGGER IF EXISTS removed; CREATE TRIGGER removed INSTEAD OF DELETE ON desk BEGIN UPDATE teams SET n = OLD.n; END
DROP TRIGGER IF EXISTS removed; CREATE TRIGGER removed INSTEAD OF DELETE ON desk BEGIN DELETE FROM people WHERE id = OLD.id; END

-- @outside
DROP VIEW IF EXISTS distant; CREATE VIEW distant AS SELECT id, (SELECT sum(n) FROM people) AS top FROM teams
DROP TRIGGER IF EXISTS written; CREATE TRIGGER written INSTEAD OF UPDATE ON desk BEGIN UPDATE teams SET n = NEW.n; END
