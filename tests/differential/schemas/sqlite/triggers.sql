-- Triggers: before and after, in chains, recursive, on replaced rows, with upserts and subqueries in their bodies.

-- @schema
CREATE TABLE accounts (id INTEGER PRIMARY KEY, org INTEGER, n INTEGER, name TEXT);
CREATE TABLE audit (no INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER, what TEXT);
CREATE TABLE totals (org INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE chain_a (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE chain_b (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE chain_c (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE moved (id INTEGER PRIMARY KEY, org INTEGER, n INTEGER, slug TEXT);
CREATE INDEX moved_org ON moved (org);
CREATE INDEX moved_slug ON moved (slug);
CREATE TABLE "odd ""one" (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE kept (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TRIGGER account_added AFTER INSERT ON accounts BEGIN
    INSERT INTO audit (account, what) VALUES (NEW.id, 'new; END');
END;
CREATE TRIGGER account_changed AFTER UPDATE OF n, org ON accounts FOR EACH ROW WHEN OLD.n IS NOT NEW.n BEGIN
    INSERT INTO audit (account, what) VALUES (NEW.id, 'changed');
    INSERT INTO totals SELECT org, sum(n) FROM accounts WHERE org IS NOT NULL GROUP BY org ON CONFLICT (org) DO UPDATE SET n = excluded.n;
END;
CREATE TRIGGER account_gone BEFORE DELETE ON accounts BEGIN
    -- UPDATE nothing; END
    INSERT INTO audit (account, what) VALUES (OLD.id, CASE WHEN OLD.n > 3 THEN 'much' ELSE 'little' END);
    UPDATE totals SET n = n - OLD.n WHERE org = OLD.org;
END;
CREATE TRIGGER a_to_b AFTER UPDATE ON chain_a WHEN NEW.n <> 5 BEGIN UPDATE chain_b SET n = NEW.n WHERE id = NEW.id; END;
CREATE TRIGGER b_to_c BEFORE UPDATE ON chain_b BEGIN REPLACE INTO chain_c VALUES (NEW.id, NEW.n); END;
CREATE TRIGGER moves AFTER UPDATE OF n ON moved BEGIN UPDATE moved SET org = 1 + NEW.n % 4, slug = 'c' || NEW.n WHERE id = NEW.id; END;
CREATE TRIGGER moves_new AFTER INSERT ON moved BEGIN UPDATE moved SET org = 1 + NEW.n % 4, slug = 'c' || NEW.n WHERE id = NEW.id; END;
CREATE TRIGGER keeps AFTER DELETE ON chain_c BEGIN UPDATE "odd ""one" SET n = n + 1 WHERE id = OLD.id; DELETE FROM kept WHERE id = OLD.id; END;
CREATE TRIGGER stops BEFORE UPDATE ON kept WHEN NEW.n = 7 BEGIN SELECT RAISE(IGNORE); END;

-- @tables
rw accounts id:key org:org n:n name:text
audit account:key what:text
totals org:org n:n
rw chain_a id:key n:n
rw chain_b id:key n:n
rw chain_c id:key n:n
rw moved id:key org:org n:n slug:code
rw kept id:key n:n

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
SELECT id, n FROM "odd ""one" WHERE id = {key}
SELECT id, n FROM kept WHERE id = {key}
SELECT a.id, t.n FROM accounts a JOIN totals t ON t.org = a.org WHERE a.id = {key}

-- @writes
UPDATE accounts SET n = {n!} WHERE id = {key}
UPDATE accounts SET name = {text} WHERE id = {key}
UPDATE accounts SET org = {org} WHERE id = {key}
DELETE FROM accounts WHERE id = {key}
INSERT INTO accounts (id, org, n) VALUES ({key}, {org}, {n!})
INSERT OR REPLACE INTO accounts (id, org, n) VALUES ({key}, {org}, {n!})
UPDATE chain_a SET n = {n!} WHERE id = {key}
UPDATE chain_b SET n = {n!} WHERE id = {key}
DELETE FROM chain_c WHERE id = {key}
REPLACE INTO chain_c VALUES ({key}, {n!})
UPDATE moved SET n = {n!} WHERE id = {key}
UPDATE moved SET n = {n!} WHERE slug = {code}
INSERT INTO moved (id, org, n) VALUES ({key}, {org}, {n!})
INSERT INTO moved (id, n) VALUES ({key}, {n!}) ON CONFLICT (id) DO UPDATE SET n = excluded.n
UPDATE kept SET n = {n!} WHERE id = {key}
DELETE FROM audit WHERE account = {key}
! DELETE FROM chain_c

-- @refill
INSERT OR IGNORE INTO accounts WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, 1 + g % 4, g % 10, char(96 + g) FROM g
INSERT OR IGNORE INTO chain_a SELECT id, n FROM accounts
INSERT OR IGNORE INTO chain_b SELECT id, n FROM accounts
INSERT OR IGNORE INTO chain_c SELECT id, n FROM accounts
INSERT OR IGNORE INTO moved (id, org, n) SELECT id, org, n FROM accounts
INSERT OR IGNORE INTO "odd ""one" SELECT id, n FROM accounts
INSERT OR IGNORE INTO kept SELECT id, n FROM accounts
DELETE FROM audit WHERE no < (SELECT max(no) - 20 FROM audit)

-- @ddl
CREATE TRIGGER IF NOT EXISTS extra AFTER UPDATE ON accounts BEGIN UPDATE kept SET n = NEW.n WHERE id = NEW.id; END
DROP TRIGGER IF EXISTS extra
CREATE TRIGGER IF NOT EXISTS more AFTER INSERT ON audit BEGIN UPDATE totals SET n = n + 1; END
DROP TRIGGER IF EXISTS more
DROP TRIGGER IF EXISTS b_to_c; CREATE TRIGGER b_to_c AFTER UPDATE ON chain_b BEGIN UPDATE "odd ""one" SET n = NEW.n WHERE id = NEW.id; END

-- @outside
CREATE TRIGGER IF NOT EXISTS more AFTER UPDATE ON moved BEGIN UPDATE kept SET n = 1; END
DROP TRIGGER IF EXISTS more
