-- Foreign keys that write: CASCADE three deep, SET NULL, SET DEFAULT, to the own table, to a unique column, and when a row is replaced.

-- @schema
CREATE TABLE orgs (id INTEGER PRIMARY KEY, code TEXT UNIQUE, name TEXT);
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    org INTEGER REFERENCES orgs ON DELETE CASCADE ON UPDATE CASCADE,
    boss INTEGER REFERENCES users ON DELETE SET NULL ON UPDATE CASCADE,
    name TEXT
);
CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer INTEGER REFERENCES Users ON DELETE CASCADE ON UPDATE CASCADE,
    agent INTEGER REFERENCES users ON DELETE SET NULL ON UPDATE SET NULL,
    shop INTEGER DEFAULT 1 REFERENCES shops ON DELETE SET DEFAULT ON UPDATE CASCADE,
    org_code TEXT REFERENCES orgs (code) ON DELETE SET NULL ON UPDATE CASCADE,
    total INTEGER
);
CREATE INDEX orders_customer ON orders (customer);
CREATE TABLE positions (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE,
    n INTEGER
);
CREATE INDEX positions_order ON positions (order_id);
CREATE TABLE folders (
    id INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES folders ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    name TEXT
);
CREATE TABLE locks (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops ON DELETE RESTRICT);

-- @tables
rw orgs id:key code:code name:text
rw users id:key org:org boss:key name:text
rw shops id:org name:text
rw orders id:key customer:key agent:key shop:org total:n
orders id:key org_code:code total:n
rw positions id:key order_id:key n:n
rw folders id:key parent:key name:text
rw locks id:key shop:org

-- @reads
SELECT id, org, boss, name FROM users WHERE id = {key}
SELECT id, org, boss FROM users WHERE org = {org}
SELECT id, boss FROM users WHERE boss = {key}
SELECT id, boss FROM users WHERE boss IS NULL
SELECT id, customer, agent, shop, org_code, total FROM orders WHERE id = {key}
SELECT id, agent FROM orders WHERE customer = {key}
SELECT id, total FROM orders WHERE agent = {key}
SELECT id, total FROM orders WHERE shop = {org}
SELECT id, shop FROM orders WHERE org_code = {code}
SELECT id, n FROM positions WHERE order_id = {key}
SELECT id, order_id, n FROM positions WHERE id = {key}
SELECT count(*), sum(n) FROM positions
SELECT id, parent, name FROM folders WHERE parent = {key}
SELECT id, parent FROM folders WHERE id = {key}
SELECT o.id, p.n FROM orders o JOIN positions p ON p.order_id = o.id WHERE o.id = {key}
SELECT u.id, o.id, p.id FROM users u JOIN orders o ON o.customer = u.id JOIN positions p ON p.order_id = o.id WHERE u.id = {key}
WITH RECURSIVE below AS (SELECT id FROM folders WHERE id = {key} UNION SELECT f.id FROM folders f JOIN below b ON f.parent = b.id) SELECT id FROM below

-- @writes
DELETE FROM orgs WHERE id = {org}
DELETE FROM orgs WHERE code = {code}
UPDATE orgs SET id = {key!} WHERE id = {org}
UPDATE orgs SET code = {code} WHERE id = {org}
UPDATE orgs SET name = {text} WHERE id = {key}
REPLACE INTO orgs (id, code, name) VALUES ({org!}, {code}, {text})
INSERT OR REPLACE INTO users (id, org, name) VALUES ({key!}, {org!}, {text})
DELETE FROM users WHERE id = {key}
DELETE FROM users WHERE id = {key}
UPDATE users SET id = id + 12 WHERE id = {key}
UPDATE users SET id = id - 12 WHERE id > 12
UPDATE OR REPLACE users SET id = {key!} WHERE id = {key}
UPDATE users SET org = {org} WHERE id = {key}
UPDATE users SET name = {text} WHERE id = {key}
DELETE FROM shops WHERE id = {org}
UPDATE shops SET id = id + 4 WHERE id = {org}
DELETE FROM orders WHERE id = {key}
DELETE FROM orders WHERE customer = {key}
UPDATE orders SET id = id + 12 WHERE id = {key}
UPDATE orders SET total = {n!} WHERE id = {key}
UPDATE orders SET total = {n!} WHERE customer = {key}
UPDATE positions SET n = {n!} WHERE id = {key}
UPDATE positions SET n = {n!} WHERE order_id = {key}
DELETE FROM folders WHERE id = {key}
UPDATE folders SET id = id + 12 WHERE id = {key}
UPDATE folders SET parent = {key!} WHERE id = {key}
DELETE FROM locks WHERE shop = {org}
! DELETE FROM orgs

-- @refill
INSERT OR IGNORE INTO orgs VALUES (1, 'c1', 'a'), (2, 'c2', 'b'), (3, 'c3', 'c'), (4, 'c4', 'd')
INSERT OR IGNORE INTO shops VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')
INSERT OR IGNORE INTO users WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, o.id, (SELECT max(id) FROM users WHERE id < g), char(96 + g) FROM g JOIN orgs o ON o.id = 1 + g % 4
INSERT OR IGNORE INTO orders WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, u.id, (SELECT max(id) FROM users WHERE id <> g), s.id, (SELECT max(code) FROM orgs), g % 10 FROM g JOIN users u ON u.id = g JOIN shops s ON s.id = 1 + g % 4
INSERT OR IGNORE INTO positions SELECT o.id, o.id, o.id % 10 FROM orders o UNION SELECT o.id + 12, o.id, 3 FROM orders o
INSERT OR IGNORE INTO folders WITH g (g) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) SELECT g, (SELECT max(id) FROM folders WHERE id < g), char(96 + g) FROM g
INSERT OR IGNORE INTO locks SELECT id, id FROM shops

-- @ddl
DROP TABLE IF EXISTS late; CREATE TABLE late (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops ON DELETE CASCADE)
DROP TABLE IF EXISTS late
CREATE INDEX IF NOT EXISTS orders_agent ON orders (agent)
DROP INDEX IF EXISTS orders_agent

-- @outside
DROP TABLE locks; CREATE TABLE locks (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops ON DELETE CASCADE)
DROP TABLE locks; CREATE TABLE locks (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops ON DELETE SET NULL)
