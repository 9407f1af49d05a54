-- Foreign keys that write: CASCADE three deep, SET NULL, to the own table, to a unique column, by several columns.

-- @schema
CREATE TABLE orgs (id INT PRIMARY KEY, code VARCHAR(8) COLLATE utf8mb4_bin UNIQUE, name VARCHAR(20));
CREATE TABLE users (
    id INT PRIMARY KEY,
    org INT,
    boss INT,
    name VARCHAR(20),
    KEY (org, id),
    FOREIGN KEY (org) REFERENCES orgs (id) ON DELETE CASCADE ON UPDATE CASCADE,
    FOREIGN KEY (boss) REFERENCES users (id) ON DELETE SET NULL
);
CREATE TABLE shops (id INT PRIMARY KEY, name VARCHAR(20));
CREATE TABLE orders (
    id INT PRIMARY KEY,
    customer INT,
    agent INT,
    shop INT,
    org_code VARCHAR(8) COLLATE utf8mb4_bin,
    total INT,
    FOREIGN KEY (customer) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    FOREIGN KEY (agent) REFERENCES users (id) ON DELETE SET NULL ON UPDATE SET NULL,
    FOREIGN KEY (shop) REFERENCES shops (id) ON DELETE SET NULL ON UPDATE CASCADE,
    FOREIGN KEY (org_code) REFERENCES orgs (code) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE positions (
    id INT PRIMARY KEY,
    order_id INT NOT NULL,
    n INT,
    FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE badges (
    id INT PRIMARY KEY,
    org INT,
    owner INT,
    n INT,
    FOREIGN KEY (org, owner) REFERENCES users (org, id) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE folders (
    id INT PRIMARY KEY,
    parent INT,
    name VARCHAR(20),
    FOREIGN KEY (parent) REFERENCES folders (id) ON DELETE CASCADE
);
CREATE TABLE locks (id INT PRIMARY KEY, shop INT, CONSTRAINT locks_shop FOREIGN KEY (shop) REFERENCES shops (id) ON DELETE RESTRICT);

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

-- @writes
DELETE FROM orgs WHERE id = {org}
DELETE FROM orgs WHERE code = {code}
UPDATE orgs SET id = {key!} WHERE id = {org}
UPDATE orgs SET code = {code} WHERE id = {org}
UPDATE orgs SET name = {text} WHERE id = {key}
REPLACE INTO orgs (id, code, name) VALUES ({org!}, {code}, {text})
REPLACE INTO users (id, org, name) VALUES ({key!}, {org!}, {text})
DELETE FROM users WHERE id = {key}
DELETE FROM users WHERE id = {key}
UPDATE users SET id = id + 12 WHERE id = {key}
UPDATE users SET id = id - 12 WHERE id > 12
UPDATE users SET org = {org} WHERE id = {key}
UPDATE users SET name = {text} WHERE id = {key}
DELETE FROM shops WHERE id = {org}
UPDATE shops SET id = id + 4 WHERE id = {org}
DELETE FROM orders WHERE id = {key}
DELETE o FROM orders o JOIN users u ON u.id = o.customer WHERE u.org = {org}
UPDATE orders SET id = id + 12 WHERE id = {key}
UPDATE orders SET total = {n!} WHERE id = {key}
UPDATE orders SET total = {n!} WHERE customer = {key}
UPDATE positions SET n = {n!} WHERE id = {key}
UPDATE positions SET n = {n!} WHERE order_id = {key}
DELETE FROM folders WHERE id = {key}
UPDATE folders SET parent = {key!} WHERE id = {key}
DELETE FROM locks WHERE shop = {org}
! TRUNCATE positions

-- @refill
INSERT IGNORE INTO orgs VALUES (1, 'c1', 'a'), (2, 'c2', 'b'), (3, 'c3', 'c'), (4, 'c4', 'd')
INSERT IGNORE INTO shops VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')
INSERT IGNORE INTO users WITH RECURSIVE g (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g WHERE g < 12) SELECT g, o.id, IF(g > 1, g - 1, NULL), char(96 + g) FROM g JOIN orgs o ON o.id = 1 + g % 4
INSERT IGNORE INTO users (id, org) SELECT 1, min(id) FROM orgs
INSERT IGNORE INTO orders SELECT u.id, u.id, (SELECT max(id) FROM users), (SELECT min(id) FROM shops), (SELECT max(code) FROM orgs), u.id % 10 FROM users u
INSERT IGNORE INTO positions SELECT o.id, o.id, o.id % 10 FROM orders o UNION SELECT o.id + 12, o.id, 3 FROM orders o
INSERT IGNORE INTO badges SELECT id, org, id, id % 10 FROM users
INSERT IGNORE INTO folders VALUES (1, NULL, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, 3, 'd'), (5, 1, 'e'), (6, 5, 'f'), (7, NULL, 'g'), (8, 7, 'h')
INSERT IGNORE INTO locks SELECT id, id FROM shops

-- @ddl
ALTER TABLE locks DROP FOREIGN KEY IF EXISTS locks_shop, ADD CONSTRAINT locks_shop2 FOREIGN KEY IF NOT EXISTS (shop) REFERENCES shops (id) ON DELETE CASCADE
ALTER TABLE locks DROP FOREIGN KEY IF EXISTS locks_shop2, ADD CONSTRAINT locks_shop FOREIGN KEY IF NOT EXISTS (shop) REFERENCES shops (id) ON DELETE RESTRICT

-- @outside
ALTER TABLE locks DROP FOREIGN KEY IF EXISTS locks_shop, ADD CONSTRAINT locks_shop2 FOREIGN KEY IF NOT EXISTS (shop) REFERENCES shops (id) ON DELETE SET NULL
ALTER TABLE locks DROP FOREIGN KEY IF EXISTS locks_shop2, ADD CONSTRAINT locks_shop FOREIGN KEY IF NOT EXISTS (shop) REFERENCES shops (id) ON DELETE RESTRICT
