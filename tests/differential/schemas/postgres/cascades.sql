-- Foreign keys that write: CASCADE three deep, SET NULL, SET DEFAULT, to the own table, to a unique column, by several columns.

-- @schema
CREATE TABLE orgs (id int PRIMARY KEY, code varchar(8) UNIQUE, name text);
CREATE TABLE users (
    id int PRIMARY KEY,
    org int REFERENCES orgs ON DELETE CASCADE ON UPDATE CASCADE,
    boss int REFERENCES users ON DELETE SET NULL ON UPDATE CASCADE,
    name text,
    UNIQUE (org, id)
);
CREATE TABLE shops (id int PRIMARY KEY, name text);
CREATE TABLE orders (
    id int PRIMARY KEY,
    customer int REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
    agent int REFERENCES users ON DELETE SET NULL ON UPDATE SET NULL,
    shop int DEFAULT 1 REFERENCES shops ON DELETE SET DEFAULT ON UPDATE CASCADE,
    org_code varchar(8) REFERENCES orgs (code) ON DELETE SET NULL ON UPDATE CASCADE,
    total int
);
CREATE TABLE positions (
    id int PRIMARY KEY,
    order_id int NOT NULL REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE,
    n int
);
CREATE TABLE badges (
    id int PRIMARY KEY,
    org int,
    owner int,
    n int,
    FOREIGN KEY (org, owner) REFERENCES users (org, id) ON DELETE SET NULL (owner) ON UPDATE CASCADE
);
CREATE TABLE folders (
    id int PRIMARY KEY,
    parent int REFERENCES folders ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE,
    name text
);
CREATE TABLE locks (
    id int PRIMARY KEY,
    shop int REFERENCES shops ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ON orders (customer);
CREATE INDEX ON positions (order_id);

-- @tables
rw orgs id:key code:code name:text
rw users id:key org:org boss:key name:text
rw shops id:org name:text
rw orders id:key customer:key agent:key shop:org total:n
orders id:key org_code:code total:n
rw positions id:key order_id:key n:n
rw badges id:key org:org owner:key n:n
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
SELECT id, org, owner FROM badges WHERE owner = {key}
SELECT id, org, owner FROM badges WHERE org = {org}
SELECT id, parent, name FROM folders WHERE parent = {key}
SELECT id, parent FROM folders WHERE id = {key}
SELECT o.id, p.n FROM orders o JOIN positions p ON p.order_id = o.id WHERE o.id = {key}
SELECT u.id, o.id, p.id FROM users u JOIN orders o ON o.customer = u.id JOIN positions p ON p.order_id = o.id WHERE u.id = {key}
SELECT u.name, count(o.id) FROM users u LEFT JOIN orders o ON o.customer = u.id WHERE u.org = {org} GROUP BY u.name
WITH RECURSIVE below AS (SELECT id FROM folders WHERE id = {key} UNION SELECT f.id FROM folders f JOIN below b ON f.parent = b.id) SELECT id FROM below
SELECT id FROM locks WHERE shop = {org}

-- @writes
DELETE FROM orgs WHERE id = {org}
DELETE FROM orgs WHERE code = {code}
UPDATE orgs SET id = {key!} WHERE id = {org}
UPDATE orgs SET code = {code} WHERE id = {org}
UPDATE orgs SET name = {text} WHERE id = {key}
DELETE FROM users WHERE id = {key}
DELETE FROM users WHERE id = {key}
UPDATE users SET id = id + 12 WHERE id = {key}
UPDATE users SET id = id - 12 WHERE id > 12
UPDATE users SET org = {org} WHERE id = {key}
UPDATE users SET name = {text} WHERE id = {key}
DELETE FROM shops WHERE id = {org}
UPDATE shops SET id = {org} WHERE id = {org}
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
UPDATE folders SET parent = {key} WHERE id = {key}
DELETE FROM locks WHERE shop = {org}
WITH gone AS (DELETE FROM users WHERE id = {key} RETURNING id) SELECT id FROM gone
MERGE INTO users u USING orgs o ON u.org = o.id AND o.id = {org} WHEN MATCHED AND u.id = {key} THEN DELETE
! TRUNCATE orgs CASCADE
! TRUNCATE users, orders, positions, badges

-- @refill
INSERT INTO orgs SELECT g, 'c' || g, chr(96 + g) FROM generate_series(1, 4) g ON CONFLICT DO NOTHING
INSERT INTO shops SELECT g, 'shop' || g FROM generate_series(1, 4) g ON CONFLICT DO NOTHING
INSERT INTO users SELECT g, o.id, (SELECT max(id) FROM users WHERE id < g), chr(96 + g) FROM generate_series(1, 12) g JOIN orgs o ON o.id = 1 + g % 4 ON CONFLICT DO NOTHING
INSERT INTO orders SELECT g, u.id, (SELECT max(id) FROM users WHERE id <> g), s.id, (SELECT max(code) FROM orgs), g % 10 FROM generate_series(1, 12) g JOIN users u ON u.id = g JOIN shops s ON s.id = 1 + g % 4 ON CONFLICT DO NOTHING
INSERT INTO positions SELECT g, o.id, g % 10 FROM generate_series(1, 24) g JOIN orders o ON o.id = 1 + g % 12 ON CONFLICT DO NOTHING
INSERT INTO badges SELECT g, u.org, u.id, g % 10 FROM generate_series(1, 12) g JOIN users u ON u.id = g ON CONFLICT DO NOTHING
INSERT INTO folders SELECT g, (SELECT max(id) FROM folders WHERE id < g), chr(96 + g) FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO locks SELECT g, s.id FROM generate_series(1, 4) g JOIN shops s ON s.id = g ON CONFLICT DO NOTHING

-- @calls
WITH gone AS (DELETE FROM orgs WHERE id = {org} RETURNING id) SELECT count(*) FROM gone

-- @ddl
ALTER TABLE positions DROP CONSTRAINT positions_order_id_fkey, ADD CONSTRAINT positions_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE ON UPDATE NO ACTION NOT VALID
ALTER TABLE positions DROP CONSTRAINT positions_order_id_fkey, ADD CONSTRAINT positions_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE NOT VALID
ALTER TABLE locks DROP CONSTRAINT locks_shop_fkey, ADD CONSTRAINT locks_shop_fkey FOREIGN KEY (shop) REFERENCES shops ON DELETE CASCADE NOT VALID

-- @outside
ALTER TABLE locks DROP CONSTRAINT locks_shop_fkey, ADD CONSTRAINT locks_shop_fkey FOREIGN KEY (shop) REFERENCES shops ON DELETE SET NULL NOT VALID
ALTER TABLE locks DROP CONSTRAINT locks_shop_fkey, ADD CONSTRAINT locks_shop_fkey FOREIGN KEY (shop) REFERENCES shops ON DELETE RESTRICT NOT VALID
