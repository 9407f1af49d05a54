-- Views: on views, updatable with and without check option, of either algorithm.

-- @schema
CREATE TABLE teams (id INT PRIMARY KEY, name VARCHAR(20), n INT);
CREATE TABLE people (id INT PRIMARY KEY, team INT, name VARCHAR(20), n INT, active BOOLEAN NOT NULL DEFAULT TRUE, KEY (team));
CREATE VIEW active_people AS SELECT id, team, name, n FROM people WHERE active;
CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW named_people (number, of_team, n) AS SELECT id, team, n FROM active_people WHERE name <> '';
CREATE VIEW checked AS SELECT id, team, n, active FROM people WHERE n < 8 WITH CASCADED CHECK OPTION;
CREATE VIEW checked_twice AS SELECT * FROM checked WHERE team < 4 WITH LOCAL CHECK OPTION;
CREATE VIEW swapped AS SELECT id AS team, team AS id, n AS m FROM people;
CREATE ALGORITHM = TEMPTABLE VIEW sizes AS SELECT t.id, t.name, count(p.id) AS size, sum(p.n) AS total FROM teams t LEFT JOIN people p ON p.team = t.id GROUP BY t.id;
CREATE VIEW everybody (id, label) AS SELECT id, name FROM people UNION ALL SELECT id + 100, name FROM teams;
CREATE VIEW distant AS SELECT id, (SELECT max(n) FROM teams) AS top FROM people;
CREATE VIEW desk AS SELECT p.id, p.n, t.name, t.id AS team FROM people p JOIN teams t ON t.id = p.team;
CREATE VIEW elsewhere AS SELECT id, n FROM teams;

-- @tables
rw teams id:org name:text n:n
rw people id:key team:org name:text n:n
people id:key team:org active:flag
rw active_people id:key team:org name:text n:n
rw named_people number:key of_team:org n:n
rw checked id:key team:org n:n
rw checked_twice id:key team:org n:n
rw swapped team:key id:org m:n
sizes id:org size:n total:n
everybody id:key label:text
desk id:key n:n name:text team:org

-- @reads
SELECT id, name, n FROM active_people WHERE id = {key}
SELECT id FROM active_people WHERE team = {org}
SELECT number, n FROM named_people WHERE number = {key}
SELECT number FROM named_people WHERE of_team = {org}
SELECT * FROM named_people
SELECT id, n FROM checked WHERE id = {key}
SELECT id, n FROM checked_twice WHERE team = {org}
SELECT team, id, m FROM swapped WHERE id = {org}
SELECT team, id, m FROM swapped WHERE team = {key}
SELECT id, name, size, total FROM sizes WHERE id = {org}
SELECT id, label FROM everybody WHERE id = {key}
SELECT id, top FROM distant WHERE id = {key}
SELECT id, n, name FROM desk WHERE id = {key}
SELECT id, n FROM elsewhere WHERE id = {org}
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
UPDATE active_people SET n = {n!} WHERE id = {key}
UPDATE named_people SET n = {n!} WHERE number = {key}
UPDATE named_people SET number = {key} WHERE number = {key}
UPDATE checked SET n = {n!} WHERE id = {key}
UPDATE checked_twice SET n = {n!} WHERE team = {org}
UPDATE swapped SET m = {n!} WHERE id = {org}
UPDATE swapped SET id = {org} WHERE team = {key}
UPDATE desk SET n = {n!} WHERE id = {key}
UPDATE desk SET name = {text} WHERE id = {key}
UPDATE desk d JOIN teams t ON t.id = d.team SET d.n = t.n WHERE t.id = {org}
UPDATE elsewhere SET n = {n!} WHERE id = {org}
DELETE FROM active_people WHERE id = {key}
DELETE FROM swapped WHERE id = {org} AND m = {n}
DELETE FROM teams WHERE id = {org}
INSERT INTO active_people (id, team, name, n) VALUES ({key}, {org}, {text}, {n!})
INSERT INTO named_people (number, of_team, n) VALUES ({key}, {org}, {n!})
INSERT INTO checked_twice (id, team, n) VALUES ({key}, {org}, {n!}) ON DUPLICATE KEY UPDATE n = VALUES(n)
INSERT INTO desk (id, n) VALUES ({key}, {n!})
REPLACE INTO swapped (id, team) SELECT id, id FROM teams
! TRUNCATE people

-- @refill
INSERT IGNORE INTO teams VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4)
INSERT IGNORE INTO people WITH RECURSIVE g (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g WHERE g < 12) SELECT g, 1 + g % 4, char(96 + g), g % 10, g % 3 > 0 FROM g

-- @ddl
CREATE OR REPLACE VIEW active_people AS SELECT id, team, name, n FROM people WHERE active
CREATE OR REPLACE VIEW active_people AS SELECT id, team, name, n FROM people WHERE NOT active
CREATE OR REPLACE VIEW active_people AS SELECT id, n AS team, name, team AS n FROM people
CREATE OR REPLACE VIEW distant AS SELECT id, (SELECT max(n) FROM teams) AS top FROM people
CREATE OR REPLACE VIEW distant AS SELECT id, (SELECT min(team) FROM swapped) AS top FROM teams
ALTER VIEW elsewhere AS SELECT id, n FROM people
ALTER VIEW elsewhere AS SELECT id, n FROM teams

-- @outside
CREATE OR REPLACE VIEW distant AS SELECT id, (SELECT sum(n) FROM people) AS top FROM teams
CREATE OR REPLACE VIEW active_people AS SELECT id, team, name, n FROM people
