-- Relations of the same name: in two schemas and in the one that is looked into last, under names that only differ in case,
-- hidden by tables that come and go, found by another path inside functions, renamed, swapped, moved, and not to be seen.
-- The session looks into `public` and then `south`.

-- @schema
CREATE SCHEMA north;
CREATE SCHEMA south;
CREATE TABLE north.places (id int PRIMARY KEY, n int);
CREATE TABLE public.places (id int PRIMARY KEY, n int);
CREATE TABLE south.places (id int PRIMARY KEY, n int);
CREATE TABLE south."Places" (id int PRIMARY KEY, n int);
CREATE TABLE south.only_south (id int PRIMARY KEY, n int);
CREATE TABLE north.only_south (id int PRIMARY KEY, n int);
CREATE TABLE north.copies (id int PRIMARY KEY, n int);
CREATE TABLE public.copies (id int PRIMARY KEY, n int);
CREATE TABLE south.shadowed (id int PRIMARY KEY, n int);
CREATE TABLE south.day_shift (id int PRIMARY KEY, n int, m int);
CREATE TABLE south.night_shift (id int PRIMARY KEY, n int, m int);
CREATE TABLE south.wanders (id int PRIMARY KEY, n int);
CREATE TABLE south.secret (id int PRIMARY KEY, n int, m int);
CREATE UNLOGGED TABLE south.scratch (id int PRIMARY KEY, n int);
CREATE VIEW north.seen AS SELECT id, n FROM north.places;
CREATE VIEW public.seen AS SELECT id, n FROM south.places;
CREATE VIEW south.seen AS SELECT id, n FROM public.places;
CREATE FUNCTION by_path(x int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM places WHERE id = x';
CREATE FUNCTION by_own_path(x int) RETURNS int STABLE LANGUAGE sql SET search_path = north AS 'SELECT n FROM places WHERE id = x';
CREATE FUNCTION north.which(x int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM north.places WHERE id = x';
CREATE FUNCTION public.which(x int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM south.places WHERE id = x';
CREATE FUNCTION write_north() RETURNS trigger LANGUAGE plpgsql SET search_path = north AS 'BEGIN UPDATE copies SET n = NEW.n WHERE id = NEW.id; RETURN NULL; END';
CREATE TRIGGER copied AFTER UPDATE ON south.places FOR EACH ROW EXECUTE FUNCTION write_north();
CREATE FUNCTION write_path() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE copies SET n = NEW.n WHERE id = NEW.id; RETURN NULL; END';
CREATE TRIGGER copied AFTER UPDATE ON north.places FOR EACH ROW EXECUTE FUNCTION write_path();

-- @tables
rw places id:key n:n
rw public.places id:key n:n
rw north.places id:key n:n
rw south.places id:key n:n
rw "Places" id:key n:n
rw only_south id:key n:n
north.copies id:key n:n
copies id:key n:n
seen id:key n:n
rw shadowed id:key n:n
rw day_shift id:key n:n m:n

-- @reads
SELECT id, n FROM places WHERE id = {key}
SELECT id, n FROM PLACES WHERE id = {key}
SELECT id, n FROM public.places WHERE id = {key}
SELECT id, n FROM north.places WHERE id = {key}
SELECT id, n FROM south.places WHERE id = {key}
SELECT id, n FROM "Places" WHERE id = {key}
SELECT id, n FROM only_south WHERE id = {key}
SELECT id, n FROM north.only_south WHERE id = {key}
SELECT a.id, b.n FROM places a JOIN south.places b ON b.id = a.id WHERE a.id = {key}
SELECT a.id, b.n FROM north.places a JOIN public.places b USING (id) WHERE id = {key}
SELECT id, n FROM seen WHERE id = {key}
SELECT id, n FROM north.seen WHERE id = {key}
SELECT id, n FROM south.seen WHERE id = {key}
SELECT id, n FROM north.copies WHERE id = {key}
SELECT id, n FROM copies WHERE id = {key}
SELECT id, n FROM shadowed WHERE id = {key}
SELECT id, n FROM south.shadowed WHERE id = {key}
SELECT count(*) FROM shadowed
SELECT id, by_path(id) FROM "Places" WHERE id = {key}
SELECT id, by_own_path(id) FROM "Places" WHERE id = {key}
SELECT id, which(id), north.which(id) FROM "Places" WHERE id = {key}
SELECT id, n, m FROM day_shift WHERE id = {key}
SELECT id, m FROM night_shift WHERE n = {n}
SELECT id, n FROM wanders WHERE id = {key}
SELECT id, n FROM secret WHERE id = {key}
SELECT id, m FROM secret WHERE id = {key}
SELECT id, n FROM scratch WHERE id = {key}

-- @writes
UPDATE places SET n = {n!} WHERE id = {key}
UPDATE public.places SET n = {n!} WHERE id = {key}
UPDATE north.places SET n = {n!} WHERE id = {key}
UPDATE south.places SET n = {n!} WHERE id = {key}
UPDATE "Places" SET n = {n!} WHERE id = {key}
UPDATE only_south SET n = {n!} WHERE id = {key}
UPDATE north.only_south SET n = {n!} WHERE id = {key}
UPDATE shadowed SET n = {n!} WHERE id = {key}
UPDATE south.shadowed SET n = {n!} WHERE id = {key}
UPDATE south.seen SET n = {n!} WHERE id = {key}
UPDATE seen SET n = {n!} WHERE id = {key}
UPDATE day_shift SET n = {n!} WHERE id = {key}
UPDATE day_shift SET m = {n!} WHERE n = {n}
UPDATE night_shift SET m = {n!} WHERE id = {key}
UPDATE wanders SET n = {n!} WHERE id = {key}
UPDATE public.wanders SET n = {n!} WHERE id = {key}
UPDATE secret SET n = {n!}, m = {n!}
UPDATE scratch SET n = {n!} WHERE id = {key}
DELETE FROM places WHERE id = {key}
DELETE FROM places WHERE EXISTS (SELECT FROM south.places p WHERE p.id = places.id AND p.n = {n})
INSERT INTO places SELECT id, n FROM north.places ON CONFLICT DO NOTHING
INSERT INTO south.places VALUES ({key}, {n!}) ON CONFLICT (id) DO UPDATE SET n = excluded.n
! TRUNCATE places

-- @refill
INSERT INTO places SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO north.places SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO south.places SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO "Places" SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO only_south SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO north.copies SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO copies SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO shadowed SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO day_shift SELECT g, g % 10, g % 7 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO night_shift SELECT g, g % 7, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO wanders SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO secret SELECT g, g % 10, g % 7 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO scratch SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING

-- @ddl
CREATE TABLE public.shadowed AS SELECT id, n + 1 AS n FROM south.shadowed
DROP TABLE IF EXISTS public.shadowed
CREATE VIEW public.only_south AS SELECT id, n FROM north.only_south
DROP VIEW IF EXISTS public.only_south
ALTER TABLE day_shift RENAME TO swapping; ALTER TABLE night_shift RENAME TO day_shift; ALTER TABLE swapping RENAME TO night_shift
ALTER TABLE day_shift RENAME COLUMN n TO swapping; ALTER TABLE day_shift RENAME COLUMN m TO n; ALTER TABLE day_shift RENAME COLUMN swapping TO m
ALTER TABLE south.wanders SET SCHEMA public
ALTER TABLE public.wanders SET SCHEMA south
REVOKE SELECT ON secret FROM CURRENT_USER
GRANT SELECT ON secret TO CURRENT_USER
REVOKE SELECT ON secret FROM CURRENT_USER; GRANT SELECT (id, n) ON secret TO CURRENT_USER

-- @outside
CREATE TABLE public.shadowed AS SELECT id, n + 2 AS n FROM south.shadowed
DROP TABLE IF EXISTS public.shadowed
ALTER TABLE day_shift RENAME TO swapping; ALTER TABLE night_shift RENAME TO day_shift; ALTER TABLE swapping RENAME TO night_shift
ALTER TABLE day_shift RENAME COLUMN n TO swapping; ALTER TABLE day_shift RENAME COLUMN m TO n; ALTER TABLE day_shift RENAME COLUMN swapping TO m
REVOKE SELECT ON secret FROM CURRENT_USER
GRANT SELECT ON secret TO CURRENT_USER

-- @session
UPDATE places SET n = {n!} WHERE id = {key}
SET search_path = north, south
SET search_path = south
SELECT set_config('search_path', 'north', false)
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
SET app.tenant = '2'
RESET ALL
SET DateStyle = 'German'
