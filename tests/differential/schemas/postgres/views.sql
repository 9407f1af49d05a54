-- Views: on views, with security barrier, updatable with and without check option, written by triggers, materialised.

-- @schema
CREATE TABLE teams (id int PRIMARY KEY, name text, n int);
CREATE TABLE people (id int PRIMARY KEY, team int, name text, n int, active boolean NOT NULL DEFAULT true);
CREATE INDEX ON people (team);
CREATE VIEW active_people AS SELECT id, team, name, n FROM people WHERE active;
CREATE VIEW named_people WITH (security_barrier) AS SELECT id AS number, team AS of_team, n FROM active_people WHERE name <> '';
CREATE VIEW barred AS SELECT number, n FROM named_people WHERE n > 2;
CREATE VIEW checked AS SELECT id, team, n, active FROM people WHERE n < 8 WITH CASCADED CHECK OPTION;
CREATE VIEW checked_twice AS SELECT * FROM checked WHERE team < 4 WITH LOCAL CHECK OPTION;
CREATE VIEW swapped AS SELECT id AS team, team AS id, n AS m FROM people;
CREATE VIEW sizes AS SELECT t.id, t.name, count(p.id) AS size, sum(p.n) AS total FROM teams t LEFT JOIN people p ON p.team = t.id GROUP BY t.id;
CREATE VIEW everybody (id, label) AS SELECT id, name FROM people UNION ALL SELECT id + 100, name FROM teams;
CREATE RECURSIVE VIEW counting (n) AS SELECT min(id) FROM people UNION SELECT n + 1 FROM counting WHERE n < 5;
CREATE VIEW invoker WITH (security_invoker) AS SELECT id, n FROM active_people;
CREATE VIEW distant AS SELECT id, (SELECT max(n) FROM teams) AS top FROM people;
CREATE VIEW "Loud" AS SELECT id, name FROM teams;
CREATE MATERIALIZED VIEW frozen AS SELECT id, size, total FROM sizes;
CREATE UNIQUE INDEX ON frozen (id);
CREATE VIEW on_frozen AS SELECT id, total FROM frozen WHERE size > 0;
CREATE MATERIALIZED VIEW frozen_again AS SELECT count(*) AS n FROM on_frozen;
CREATE VIEW desk AS SELECT p.id, p.n, t.name FROM people p JOIN teams t ON t.id = p.team;
CREATE FUNCTION write_desk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM people WHERE id = OLD.id;
        RETURN OLD;
    END IF;
    UPDATE people SET n = NEW.n WHERE id = NEW.id;
    UPDATE teams SET name = NEW.name WHERE id = (SELECT team FROM people WHERE id = NEW.id);
    RETURN NEW;
END $$;
CREATE TRIGGER written INSTEAD OF INSERT OR UPDATE OR DELETE ON desk FOR EACH ROW EXECUTE FUNCTION write_desk();

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
frozen id:org size:n
on_frozen id:org total:n
rw desk id:key n:n name:text

-- @reads
SELECT id, name, n FROM active_people WHERE id = {key}
SELECT id FROM active_people WHERE team = {org}
SELECT number, n FROM named_people WHERE number = {key}
SELECT number FROM named_people WHERE of_team = {org}
SELECT * FROM barred
SELECT * FROM barred WHERE number = {key}
SELECT id, n FROM checked WHERE id = {key}
SELECT id, n FROM checked_twice WHERE team = {org}
SELECT team, id, m FROM swapped WHERE id = {org}
SELECT team, id, m FROM swapped WHERE team = {key}
SELECT id, name, size, total FROM sizes WHERE id = {org}
SELECT id, label FROM everybody WHERE id = {key}
SELECT n FROM counting
SELECT id, n FROM invoker WHERE id = {key}
SELECT id, top FROM distant WHERE id = {key}
SELECT id, name FROM "Loud" WHERE id = {org}
SELECT id, size, total FROM frozen WHERE id = {org}
SELECT id, total FROM on_frozen
SELECT n FROM frozen_again
SELECT id, n, name FROM desk WHERE id = {key}
SELECT a.id, s.size FROM active_people a JOIN sizes s ON s.id = a.team WHERE a.id = {key}
SELECT p.id, f.size FROM people p LEFT JOIN frozen f ON f.id = p.team WHERE p.id = {key}
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
UPDATE "Loud" SET name = {text} WHERE id = {org}
UPDATE desk SET n = {n!}, name = {text} WHERE id = {key}
DELETE FROM desk WHERE id = {key}
DELETE FROM active_people WHERE id = {key}
DELETE FROM swapped WHERE id = {org} AND m = {n}
DELETE FROM teams WHERE id = {org}
INSERT INTO active_people (id, team, name, n) VALUES ({key}, {org}, {text}, {n!})
INSERT INTO named_people (number, of_team, n) VALUES ({key}, {org}, {n!})
INSERT INTO checked_twice (id, team, n) VALUES ({key}, {org}, {n!}) ON CONFLICT (id) DO UPDATE SET n = excluded.n
INSERT INTO people (id, team, n) VALUES ({key}, {org}, {n!}) ON CONFLICT (id) DO UPDATE SET team = excluded.team
INSERT INTO swapped (id, team) SELECT id, id FROM teams ON CONFLICT DO NOTHING
MERGE INTO checked c USING teams t ON c.id = t.id WHEN MATCHED THEN UPDATE SET n = 3 WHEN NOT MATCHED THEN INSERT (id, team, n) VALUES (t.id, 1, 1)
! REFRESH MATERIALIZED VIEW frozen
! REFRESH MATERIALIZED VIEW CONCURRENTLY frozen
! REFRESH MATERIALIZED VIEW frozen_again
! TRUNCATE people

-- @refill
INSERT INTO teams SELECT g, chr(96 + g), g FROM generate_series(1, 4) g ON CONFLICT DO NOTHING
INSERT INTO people SELECT g, 1 + g % 4, chr(96 + g), g % 10, g % 3 > 0 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
REFRESH MATERIALIZED VIEW frozen

-- @calls
WITH moved AS (UPDATE active_people SET n = {n!} WHERE id = {key} RETURNING id) SELECT * FROM moved

-- @ddl
CREATE OR REPLACE VIEW active_people AS SELECT id, team, name, n FROM people WHERE active
CREATE OR REPLACE VIEW active_people AS SELECT id, team, name, n FROM people WHERE NOT active
CREATE OR REPLACE VIEW active_people AS SELECT id, n AS team, name, team AS n FROM people
CREATE OR REPLACE VIEW distant AS SELECT id, (SELECT max(n) FROM teams) AS top FROM people
CREATE OR REPLACE VIEW distant AS SELECT id, (SELECT min(team) FROM swapped) AS top FROM teams
DROP VIEW IF EXISTS "Loud"; CREATE VIEW "Loud" AS SELECT id, name FROM people
DROP VIEW IF EXISTS "Loud"; CREATE VIEW "Loud" AS SELECT id, name FROM teams
CREATE OR REPLACE FUNCTION write_desk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE teams SET n = NEW.n; RETURN NEW; END $$
CREATE OR REPLACE FUNCTION write_desk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE people SET n = OLD.n + 1 WHERE id = OLD.id; RETURN OLD; END $$

-- @outside
CREATE OR REPLACE VIEW distant AS SELECT id, (SELECT sum(n)::int FROM people) AS top FROM teams
CREATE OR REPLACE VIEW active_people AS SELECT id, team, name, n FROM people
CREATE OR REPLACE FUNCTION write_desk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE teams SET n = 1; RETURN OLD; END $$
