-- Temporary tables and views that hide others, on a connection that is held and on whichever the pool takes, and what becomes of
-- reads and writes of the hidden ones, there and elsewhere.

-- @schema
CREATE TABLE public.drafts (id int PRIMARY KEY, n int);
CREATE TABLE public.sketches (id int PRIMARY KEY, n int);
CREATE TABLE public.outlines (id int PRIMARY KEY, n int);
CREATE TABLE public.plans (id int PRIMARY KEY, n int);
CREATE TABLE public.written (id int PRIMARY KEY, n int);
CREATE VIEW public.over_drafts AS SELECT id, n FROM public.drafts;
CREATE FUNCTION public.note_draft() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE written SET n = NEW.n WHERE id = NEW.id; RETURN NULL; END';
CREATE TRIGGER noted AFTER UPDATE ON public.drafts FOR EACH ROW EXECUTE FUNCTION public.note_draft();

-- @tables
rw drafts id:key n:n
rw public.drafts id:key n:n
rw sketches id:key n:n
over_drafts id:key n:n
rw plans id:key n:n
written id:key n:n

-- @reads
SELECT id, n FROM drafts WHERE id = {key}
SELECT id, n FROM public.drafts WHERE id = {key}
SELECT id, n FROM sketches WHERE id = {key}
SELECT id, n FROM public.sketches WHERE id = {key}
SELECT id, n FROM outlines WHERE id = {key}
SELECT id, n FROM plans WHERE id = {key}
SELECT id, n FROM over_drafts WHERE id = {key}
SELECT id, n FROM written WHERE id = {key}
SELECT d.id, s.n FROM drafts d JOIN sketches s ON s.id = d.id WHERE d.id = {key}

-- @writes
UPDATE drafts SET n = {n!} WHERE id = {key}
UPDATE public.drafts SET n = {n!} WHERE id = {key}
UPDATE sketches SET n = {n!} WHERE id = {key}
UPDATE outlines SET n = {n!} WHERE id = {key}
UPDATE plans SET n = {n!} WHERE id = {key}
DELETE FROM drafts WHERE id = {key}

-- @refill
INSERT INTO public.drafts SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO public.sketches SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO public.outlines SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO public.plans SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO public.written SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING

-- @session
CREATE TEMP TABLE drafts AS SELECT id, 77 AS n FROM public.drafts
CREATE TEMP TABLE drafts AS SELECT id, 77 AS n FROM public.drafts
CREATE TEMP TABLE sketches (id int PRIMARY KEY, n int)
CREATE TEMP VIEW plans AS SELECT id, 66 AS n FROM public.plans
SELECT id, 55 AS n INTO TEMP outlines FROM public.outlines
CREATE TEMP TABLE written (id int PRIMARY KEY, n int)
INSERT INTO pg_temp.drafts VALUES (3, 99)
UPDATE drafts SET n = {n!} WHERE id = {key}
UPDATE public.drafts SET n = {n!} WHERE id = {key}
UPDATE sketches SET n = {n!} WHERE id = {key}
INSERT INTO sketches VALUES ({key}, {n!}) ON CONFLICT DO NOTHING
DROP TABLE IF EXISTS pg_temp.drafts
DROP TABLE IF EXISTS pg_temp.sketches
DISCARD TEMP
DISCARD ALL
