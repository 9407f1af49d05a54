-- Triggers in every body: SQL by way of PL/pgSQL, blocks, loops, cursors, CTEs, dynamic SQL; before and after rows and statements,
-- in chains, and such that change the keys of the row that is written.

-- @schema
CREATE TABLE accounts (id int PRIMARY KEY, org int, n int, name text);
CREATE TABLE audit (no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int, what text);
CREATE TABLE totals (org int PRIMARY KEY, n int);
CREATE TABLE chain_a (id int PRIMARY KEY, n int);
CREATE TABLE chain_b (id int PRIMARY KEY, n int);
CREATE TABLE chain_c (id int PRIMARY KEY, n int);
CREATE TABLE moved (id int PRIMARY KEY, org int, n int, slug text);
CREATE TABLE dynamic (id int PRIMARY KEY, n int);
CREATE TABLE dynamic_log (id int, n int);
CREATE TABLE busy (id int PRIMARY KEY, n int);
CREATE TABLE busy_1 (id int PRIMARY KEY, n int);
CREATE TABLE busy_2 (id int PRIMARY KEY, n int);
CREATE TABLE busy_3 (id int PRIMARY KEY, n int);
CREATE TABLE "Odd ""One" (id int PRIMARY KEY, n int);
CREATE TABLE kept (id int PRIMARY KEY, n int);
CREATE TABLE late (id int PRIMARY KEY, n int);
CREATE INDEX ON moved (org);
CREATE INDEX ON moved (slug);
CREATE INDEX ON audit (account);

CREATE FUNCTION audit_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO audit (account, what) VALUES (OLD.id, 'gone');
        RETURN OLD;
    END IF;
    INSERT INTO audit (account, what) VALUES (NEW.id, TG_OP);
    RETURN NEW;
END $$;
CREATE TRIGGER audited AFTER INSERT OR UPDATE OF n OR DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION audit_it();
CREATE FUNCTION add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO totals AS t SELECT org, sum(n) FROM accounts WHERE org IS NOT NULL GROUP BY org
        ON CONFLICT (org) DO UPDATE SET n = excluded.n;
    RETURN NULL;
END $$;
CREATE TRIGGER added_up AFTER INSERT OR UPDATE OR DELETE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION add_up();

CREATE FUNCTION to_b() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE chain_b SET n = NEW.n WHERE id = NEW.id; RETURN NEW; END $$;
CREATE FUNCTION write_c(which int, what int) RETURNS void LANGUAGE sql AS 'UPDATE chain_c SET n = what WHERE id = which';
CREATE FUNCTION to_c() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM write_c(NEW.id, NEW.n); RETURN NULL; END $$;
CREATE TRIGGER goes_on BEFORE UPDATE ON chain_a FOR EACH ROW WHEN (NEW.n <> 5) EXECUTE FUNCTION to_b();
CREATE TRIGGER goes_on AFTER UPDATE ON chain_b FOR EACH ROW EXECUTE FUNCTION to_c();

CREATE FUNCTION move_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.org := 1 + (NEW.n % 4);
    NEW.slug := 'c' || NEW.n;
    IF NEW.n = 9 THEN
        NEW.id := NEW.id + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER moves BEFORE INSERT OR UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION move_it();

CREATE FUNCTION log_dynamically() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I VALUES ($1, $2)', TG_TABLE_NAME || '_log') USING NEW.id, NEW.n;
    RETURN NULL;
END $$;
CREATE TRIGGER logged AFTER UPDATE ON dynamic FOR EACH ROW EXECUTE FUNCTION log_dynamically();

CREATE FUNCTION keep_busy() RETURNS trigger LANGUAGE plpgsql AS $$
<<outer_block>>
DECLARE
    chain_a int := 3; -- not the table: DELETE FROM kept
    line record;
    c CURSOR (lowest int) FOR SELECT id, n FROM busy_2 WHERE id >= lowest;
BEGIN
    /* UPDATE kept SET n = 0; */
    FOR line IN SELECT id, n FROM busy WHERE n >= 0 LOOP
        CONTINUE WHEN line.id % 2 = 0;
        UPDATE busy_1 SET n = line.n WHERE busy_1.id = line.id;
    END LOOP;
    DECLARE
        i int;
    BEGIN
        FOR i IN REVERSE 3 .. 1 LOOP
            WITH turned AS (UPDATE busy_2 SET n = i WHERE id = i RETURNING id, n)
            INSERT INTO busy_3 SELECT id, n FROM turned ON CONFLICT (id) DO UPDATE SET n = excluded.n + 1;
        END LOOP;
    EXCEPTION WHEN division_by_zero THEN
        DELETE FROM kept;
    END;
    CASE chain_a
        WHEN 3 THEN
            UPDATE "Odd ""One" SET n = n + 1 WHERE id = NEW.id;
        ELSE
            NULL;
    END CASE;
    WHILE chain_a > 2 LOOP
        chain_a := chain_a - 1;
    END LOOP;
    OPEN c (1);
    FETCH c INTO line;
    CLOSE c;
    RETURN NEW;
END outer_block $$;
CREATE TRIGGER keeps_busy AFTER UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION keep_busy();

CREATE FUNCTION keep_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE late SET n = OLD.n WHERE id = OLD.id; RETURN NULL; END';
CREATE TRIGGER keeps BEFORE DELETE ON kept FOR EACH ROW EXECUTE FUNCTION keep_it();
CREATE TRIGGER same BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE FUNCTION count_them() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kept SET n = (SELECT count(*) FROM fresh) + TG_ARGV[0]::int WHERE id = 1;
    RETURN NULL;
END $$;
CREATE TRIGGER counted AFTER UPDATE ON late REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_them('2');
CREATE FUNCTION emptied() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE chain_c SET n = 0; RETURN NULL; END';
CREATE TRIGGER emptied AFTER TRUNCATE ON late FOR EACH STATEMENT EXECUTE FUNCTION emptied();
CREATE CONSTRAINT TRIGGER afterwards AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION emptied();

-- @tables
rw accounts id:key org:org n:n name:text
audit account:key what:text
totals org:org n:n
rw chain_a id:key n:n
rw chain_b id:key n:n
chain_c id:key n:n
rw moved id:key org:org n:n slug:code
rw dynamic id:key n:n
dynamic_log id:key n:n
rw busy id:key n:n
busy_1 id:key n:n
busy_2 id:key n:n
busy_3 id:key n:n
rw kept id:key n:n
rw late id:key n:n

-- @reads
SELECT id, org, n FROM accounts WHERE id = {key}
SELECT id, org, n FROM accounts WHERE org = {org}
SELECT what FROM audit WHERE account = {key}
SELECT account, count(*) FROM audit GROUP BY account
SELECT org, n FROM totals WHERE org = {org}
SELECT id, n FROM chain_b WHERE id = {key}
SELECT id, n FROM chain_c WHERE id = {key}
SELECT id, n, org, slug FROM moved WHERE id = {key}
SELECT id, n FROM moved WHERE org = {org}
SELECT id, n FROM moved WHERE slug = {code}
SELECT id, n FROM dynamic_log WHERE id = {key}
SELECT id, n FROM busy_1 WHERE id = {key}
SELECT id, n FROM busy_2 WHERE id = {key}
SELECT id, n FROM busy_3
SELECT id, n FROM "Odd ""One" WHERE id = {key}
SELECT id, n FROM kept WHERE id = {key}
SELECT id, n FROM late WHERE id = {key}
SELECT a.id, t.n FROM accounts a JOIN totals t ON t.org = a.org WHERE a.id = {key}

-- @writes
UPDATE accounts SET n = {n!} WHERE id = {key}
UPDATE accounts SET name = {text} WHERE id = {key}
UPDATE accounts SET org = {org} WHERE id = {key}
DELETE FROM accounts WHERE id = {key}
INSERT INTO accounts (id, org, n) VALUES ({key}, {org}, {n!})
UPDATE chain_a SET n = {n!} WHERE id = {key}
UPDATE chain_b SET n = {n!} WHERE id = {key}
UPDATE moved SET n = {n!} WHERE id = {key}
UPDATE moved SET n = {n!} WHERE slug = {code}
INSERT INTO moved (id, org, n) VALUES ({key}, {org}, {n!})
INSERT INTO moved (id, org, n) VALUES ({key}, {org}, {n!}) ON CONFLICT (id) DO UPDATE SET n = excluded.n
UPDATE dynamic SET n = {n!} WHERE id = {key}
UPDATE busy SET n = {n!} WHERE id = {key}
DELETE FROM kept WHERE id = {key}
UPDATE kept SET n = {n!} WHERE id = {key}
UPDATE late SET n = {n!} WHERE id = {key}
INSERT INTO late VALUES ({key} + 12, {n!}) ON CONFLICT DO NOTHING
DELETE FROM late WHERE id > 12
MERGE INTO accounts a USING totals t ON a.org = t.org AND a.id = {key} WHEN MATCHED THEN UPDATE SET n = t.n
DELETE FROM audit WHERE account = {key}
! TRUNCATE late
! TRUNCATE audit

-- @refill
INSERT INTO accounts SELECT g, 1 + g % 4, g % 10, chr(96 + g) FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO chain_a SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO chain_b SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO chain_c SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO moved SELECT g, 1 + g % 4, g % 9 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO dynamic SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO busy SELECT g, g % 10 FROM generate_series(1, 6) g ON CONFLICT DO NOTHING
INSERT INTO busy_1 SELECT g, g % 10 FROM generate_series(1, 6) g ON CONFLICT DO NOTHING
INSERT INTO busy_2 SELECT g, g % 10 FROM generate_series(1, 6) g ON CONFLICT DO NOTHING
INSERT INTO "Odd ""One" SELECT g, g % 10 FROM generate_series(1, 6) g ON CONFLICT DO NOTHING
INSERT INTO kept SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO late SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
DELETE FROM audit WHERE no < (SELECT max(no) - 20 FROM audit)
DELETE FROM dynamic_log WHERE ctid NOT IN (SELECT ctid FROM dynamic_log ORDER BY ctid DESC LIMIT 20)

-- @ddl
CREATE OR REPLACE TRIGGER extra AFTER UPDATE ON chain_c FOR EACH ROW EXECUTE FUNCTION keep_busy()
DROP TRIGGER IF EXISTS extra ON chain_c
CREATE OR REPLACE TRIGGER more AFTER UPDATE ON busy_1 FOR EACH STATEMENT EXECUTE FUNCTION emptied()
DROP TRIGGER IF EXISTS more ON busy_1
ALTER TABLE chain_a DISABLE TRIGGER goes_on
ALTER TABLE chain_a ENABLE TRIGGER goes_on
CREATE OR REPLACE FUNCTION write_c(which int, what int) RETURNS void LANGUAGE sql AS 'UPDATE chain_c SET n = what + 1 WHERE id = which'
CREATE OR REPLACE FUNCTION write_c(which int, what int) RETURNS void LANGUAGE sql AS 'UPDATE busy_3 SET n = what WHERE id = which'
CREATE OR REPLACE FUNCTION emptied() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE totals SET n = 0; RETURN NULL; END'
CREATE OR REPLACE FUNCTION emptied() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE chain_c SET n = 0; RETURN NULL; END'

-- @outside
CREATE OR REPLACE TRIGGER more AFTER UPDATE ON moved FOR EACH STATEMENT EXECUTE FUNCTION emptied()
DROP TRIGGER IF EXISTS more ON moved
CREATE OR REPLACE FUNCTION write_c(which int, what int) RETURNS void LANGUAGE sql AS 'DELETE FROM busy_3 WHERE id = which'
