-- Partitions with a default one and with partitions of their own, written from above and from below, and classic inheritance.

-- @schema
CREATE TABLE events (id int NOT NULL, org int NOT NULL, n int, name text, PRIMARY KEY (id, org)) PARTITION BY LIST (org);
CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
CREATE TABLE events_2 PARTITION OF events FOR VALUES IN (2) PARTITION BY RANGE (id);
CREATE TABLE events_2_low PARTITION OF events_2 FOR VALUES FROM (MINVALUE) TO (7);
CREATE TABLE events_2_high PARTITION OF events_2 FOR VALUES FROM (7) TO (MAXVALUE);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX ON events (org);
CREATE INDEX ON events (n);
CREATE TABLE marks (id int PRIMARY KEY, event int, org int, FOREIGN KEY (event, org) REFERENCES events ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE event_log (event int, n int);
CREATE FUNCTION log_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_log VALUES (coalesce(NEW.id, OLD.id), 1);
    RETURN NULL;
END $$;
CREATE TRIGGER logged AFTER UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TABLE hashed (id int PRIMARY KEY, n int) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE VIEW first_events AS SELECT id, n FROM events_1;
CREATE TABLE animals (id int PRIMARY KEY, name text, n int);
CREATE TABLE dogs (breed int) INHERITS (animals);
CREATE TABLE puppies (age int) INHERITS (dogs);
CREATE TABLE pets (owner int);
CREATE TABLE cats () INHERITS (animals, pets);
CREATE VIEW young AS SELECT id, age FROM puppies;

-- @tables
rw events id:key org:org n:n name:text
rw events_1 id:key n:n name:text
rw events_2 id:key n:n
rw events_2_low id:key n:n
rw events_rest id:key org:org n:n
rw hashed id:key n:n
rw hashed_0 id:key n:n
marks id:key event:key org:org
event_log event:key n:n
rw animals id:key name:text n:n
rw dogs id:key name:text n:n breed:org
rw puppies id:key n:n age:n
rw cats id:key n:n owner:key
rw pets owner:key

-- @reads
SELECT id, org, n FROM events WHERE id = {key}
SELECT id, org, n FROM events WHERE org = {org}
SELECT id, n FROM events WHERE id = {key} AND org = {org}
SELECT id, n FROM events_1 WHERE id = {key}
SELECT id, n FROM events_2 WHERE id = {key}
SELECT id, n FROM events_2_low
SELECT id, n FROM events_2_high WHERE id = {key}
SELECT id, org, n FROM events_rest WHERE org = {org}
SELECT count(*), sum(n) FROM events
SELECT id, n FROM first_events WHERE id = {key}
SELECT id, event FROM marks WHERE event = {key}
SELECT event, count(*) FROM event_log GROUP BY event
SELECT e.id, m.id FROM events e JOIN marks m ON m.event = e.id WHERE e.id = {key}
SELECT id, n FROM hashed WHERE id = {key}
SELECT id, n FROM hashed_1
SELECT id, name, n FROM animals WHERE id = {key}
SELECT id, name, n FROM ONLY animals WHERE id = {key}
SELECT id, n, breed FROM dogs WHERE id = {key}
SELECT id, age FROM puppies WHERE id = {key}
SELECT id, owner FROM cats WHERE id = {key}
SELECT owner FROM pets
SELECT count(*) FROM animals*
SELECT id, age FROM young
SELECT tableoid::regclass::text, id FROM animals WHERE n = {n}

-- @writes
UPDATE events SET n = {n!} WHERE id = {key}
UPDATE events SET n = {n!} WHERE id = {key} AND org = {org}
UPDATE events SET n = {n!} WHERE org = {org}
UPDATE events SET org = {org} WHERE id = {key}
UPDATE events SET org = org + 4 WHERE id = {key}
UPDATE events_1 SET n = {n!} WHERE id = {key}
UPDATE events_2_low SET n = {n!} WHERE id = {key}
UPDATE events_2 SET id = id + 6 WHERE id = {key} AND id < 7
UPDATE events_rest SET n = {n!} WHERE id = {key}
DELETE FROM events WHERE id = {key}
DELETE FROM events_2_high WHERE id = {key}
INSERT INTO events (id, org, n) VALUES ({key}, {org}, {n!})
INSERT INTO events (id, org, n) VALUES ({key}, {org}, {n!}) ON CONFLICT (id, org) DO UPDATE SET n = excluded.n
INSERT INTO events_1 (id, org, n) VALUES ({key}, 1, {n!})
INSERT INTO events_2_low (id, org, n) VALUES ({key}, 2, {n!})
INSERT INTO marks SELECT id + 12 * org, id, org FROM events WHERE id = {key} ON CONFLICT DO NOTHING
UPDATE hashed SET n = {n!} WHERE id = {key}
UPDATE hashed SET id = {key} WHERE id = {key}
UPDATE hashed_0 SET n = {n!}
DELETE FROM event_log WHERE event = {key}
UPDATE animals SET n = {n!} WHERE id = {key}
UPDATE ONLY animals SET n = {n!} WHERE id = {key}
UPDATE dogs SET n = {n!} WHERE id = {key}
UPDATE puppies SET n = {n!}, age = {n!} WHERE id = {key}
UPDATE cats SET owner = {key}, n = {n!} WHERE id = {key}
UPDATE pets SET owner = {key} WHERE owner = {key}
DELETE FROM animals WHERE id = {key}
INSERT INTO puppies (id, n, age) VALUES ({key}, {n!}, {n!})
! TRUNCATE events_1 CASCADE
! TRUNCATE events_2, hashed_0 CASCADE
! TRUNCATE ONLY animals
! TRUNCATE dogs

-- @refill
INSERT INTO events SELECT g, 1 + g % 4, g % 10, chr(96 + g) FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO marks SELECT id + 12 * org, id, org FROM events ON CONFLICT DO NOTHING
INSERT INTO hashed SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO animals SELECT g, chr(96 + g), g FROM generate_series(1, 4) g WHERE NOT EXISTS (SELECT FROM animals WHERE id = g)
INSERT INTO dogs SELECT g, chr(96 + g), g, 1 FROM generate_series(5, 7) g WHERE NOT EXISTS (SELECT FROM animals WHERE id = g)
INSERT INTO puppies SELECT g, chr(96 + g), g, 1, 1 FROM generate_series(8, 9) g WHERE NOT EXISTS (SELECT FROM animals WHERE id = g)
INSERT INTO cats (id, n, owner) SELECT g, g, g FROM generate_series(10, 12) g WHERE NOT EXISTS (SELECT FROM animals WHERE id = g)
INSERT INTO pets SELECT g FROM generate_series(1, 3) g WHERE NOT EXISTS (SELECT FROM ONLY pets)
DELETE FROM event_log WHERE ctid NOT IN (SELECT ctid FROM event_log ORDER BY ctid DESC LIMIT 20)

-- @ddl
DELETE FROM marks; ALTER TABLE events DETACH PARTITION events_1
DELETE FROM events_rest WHERE org = 1; ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES IN (1)
ALTER TABLE puppies NO INHERIT dogs
ALTER TABLE puppies INHERIT dogs
DELETE FROM events WHERE org = 7; CREATE TABLE events_7 PARTITION OF events FOR VALUES IN (7)
ALTER TABLE events DETACH PARTITION events_7; DROP TABLE events_7
DROP TABLE IF EXISTS birds; CREATE TABLE birds () INHERITS (animals); INSERT INTO birds (id, n) VALUES (3, 3)
DROP TABLE IF EXISTS birds

-- @outside
DELETE FROM marks; ALTER TABLE events DETACH PARTITION events_1
DELETE FROM events_rest WHERE org = 1; ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES IN (1)
ALTER TABLE dogs NO INHERIT animals
ALTER TABLE dogs INHERIT animals
