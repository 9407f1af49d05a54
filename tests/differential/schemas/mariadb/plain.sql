-- Tables that hide nothing: every kind of key, every way to compare with it, and collations in which different texts are equal.

-- @schema
CREATE TABLE items (
    id INT PRIMARY KEY,
    org BIGINT NOT NULL DEFAULT 1,
    n SMALLINT,
    name VARCHAR(20),
    code VARCHAR(8) COLLATE utf8mb4_bin UNIQUE,
    flag BOOLEAN NOT NULL DEFAULT FALSE,
    day DATE,
    uid UUID UNIQUE,
    price DECIMAL(10, 2),
    weight DOUBLE,
    exact VARCHAR(20) COLLATE utf8mb4_nopad_bin,
    bytes VARBINARY(20),
    fixed CHAR(4),
    word ENUM('a', 'b', 'ab', '0', '1'),
    small TINYINT UNSIGNED,
    moment DATETIME,
    KEY (org, n),
    KEY (name),
    KEY (flag),
    KEY (day),
    KEY (price),
    KEY (weight),
    KEY (exact),
    KEY (bytes),
    KEY (fixed),
    KEY (word),
    KEY (small),
    KEY (moment)
);
CREATE TABLE `lines` (
    item INT NOT NULL,
    no SMALLINT NOT NULL,
    org BIGINT,
    doubled INT AS (no * 2) VIRTUAL,
    note VARCHAR(20) DEFAULT 'new',
    PRIMARY KEY (item, no),
    KEY (org),
    KEY (doubled)
);
CREATE TABLE numbered (no INT AUTO_INCREMENT PRIMARY KEY, n INT);
CREATE TABLE stamped (id INT PRIMARY KEY, n INT, at TIMESTAMP NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP, KEY (at));
CREATE TABLE parts (id INT NOT NULL, org INT NOT NULL, n INT, PRIMARY KEY (id, org))
    PARTITION BY LIST (org) (PARTITION one VALUES IN (1), PARTITION two VALUES IN (2), PARTITION rest DEFAULT);
CREATE TABLE loose (id INT PRIMARY KEY, n INT) ENGINE = Aria;
CREATE SEQUENCE counting;

-- @tables
rw items id:key org:org n:maybe name:text code:code flag:flag day:day uid:uid price:price weight:weight exact:text bytes:text fixed:text
rw items id:key org:org n:n name:text word:text small:n flag:n
rw `lines` item:key no:n org:org note:text
`lines` item:key doubled:n
rw parts id:key org:org n:n
rw loose id:key n:n
rw stamped id:key n:n

-- @reads
SELECT id, org, n, name FROM items WHERE id = {key}
SELECT id, org, n, name FROM items WHERE id = {key}
SELECT * FROM items WHERE id IN ({key...})
SELECT id, name FROM items WHERE org = {org}
SELECT id, name FROM items WHERE org = {org} AND n = {n}
SELECT id, name FROM items WHERE (org, n) = ({org}, {n})
SELECT id, n FROM items WHERE name = {text}
SELECT id, n FROM items WHERE name = {text} COLLATE utf8mb4_bin
SELECT id, n FROM items WHERE code = {code}
SELECT id, n FROM items WHERE code = {code} OR id = {key}
SELECT id, n FROM items WHERE flag = {flag}
SELECT id, n FROM items WHERE flag = {n}
SELECT id, n FROM items WHERE flag
SELECT id, n FROM items WHERE flag IS TRUE AND org = {org}
SELECT id, n FROM items WHERE day = {day}
SELECT id, n FROM items WHERE moment = {day}
SELECT id, n FROM items WHERE uid = {uid}
SELECT id, n FROM items WHERE price = {price}
SELECT id, n FROM items WHERE weight = {weight}
SELECT id, n FROM items WHERE exact = {text}
SELECT id, n FROM items WHERE bytes = {text}
SELECT id, n FROM items WHERE fixed = {text}
SELECT id, n FROM items WHERE word = {text}
SELECT id, n FROM items WHERE word = {n}
SELECT id, n FROM items WHERE small = {n}
SELECT id, n FROM items WHERE id <=> {key}
SELECT id, n FROM items WHERE id = {key} AND id = {key}
SELECT id, n FROM items WHERE id = {text}
SELECT id, n FROM items WHERE name = {n}
SELECT id, n FROM items WHERE code = {n}
SELECT id, n FROM items WHERE id BETWEEN {key} AND {key} ORDER BY id
SELECT id, org, n FROM items ORDER BY n, id LIMIT 3
SELECT count(*), sum(n), max(id) FROM items
SELECT org, count(*), min(name COLLATE utf8mb4_bin) FROM items GROUP BY org
SELECT i.id, l.no, l.note FROM items i JOIN `lines` l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no, l.note FROM items i LEFT JOIN `lines` l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no, l.note FROM items i LEFT JOIN `lines` l ON l.item = i.id AND l.item = {key}
SELECT i.id, l.no FROM items i, `lines` l WHERE l.item = i.id AND l.item = {key}
SELECT i.id, l.no FROM items i RIGHT JOIN `lines` l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no FROM items i STRAIGHT_JOIN `lines` l ON l.item = i.id WHERE i.id = {key}
SELECT a.id, b.id FROM items a JOIN items b ON a.org = b.org WHERE a.org = {org}
SELECT a.id, b.id FROM items a JOIN items b ON a.org = b.org WHERE a.id = {key}
SELECT a.id, b.id FROM items a JOIN items b ON a.name = b.exact WHERE a.name = {text}
SELECT a.id, b.id FROM items a JOIN items b ON a.code = b.exact WHERE a.code = {code}
SELECT a.id, b.id FROM items a JOIN items b ON a.small = b.name WHERE a.small = {n}
SELECT a.id FROM items a JOIN items b USING (org, n) WHERE org = {org}
SELECT l.no, l.doubled FROM `lines` l WHERE l.item = {key} AND l.no = {n}
SELECT item, no FROM `lines` WHERE doubled = {n}
SELECT id FROM items WHERE id = (SELECT max(item) FROM `lines` WHERE org = {org})
SELECT id, (SELECT count(*) FROM `lines` l WHERE l.item = i.id) FROM items i WHERE i.id = {key}
SELECT id FROM items i WHERE EXISTS (SELECT 1 FROM `lines` l WHERE l.item = {key}) AND id = {same}
SELECT id FROM items WHERE id = {key} UNION SELECT item FROM `lines` WHERE item = {key}
SELECT id FROM items WHERE id = {key} EXCEPT SELECT item FROM `lines` WHERE item = {key}
WITH mine AS (SELECT * FROM items WHERE org = {org}) SELECT id, n FROM mine WHERE id = {key}
WITH items AS (SELECT item AS id, org FROM `lines`) SELECT id FROM items WHERE id = {key}
SELECT x.id, x.n FROM (SELECT id, n FROM items WHERE id = {key}) x
SELECT id, rank() OVER (ORDER BY n, id) FROM items WHERE org = {org}
SELECT IF(id = {key}, n, 0) FROM items
SELECT id DIV n FROM items WHERE id = {key}
SELECT id FROM items WHERE name LIKE {text}
SELECT id FROM items WHERE BINARY name = {text}
SELECT id, n FROM parts WHERE id = {key}
SELECT id, n FROM parts WHERE org = {org}
SELECT id, n FROM parts PARTITION (two) WHERE id = {key}
SELECT id, n FROM loose WHERE id = {key}
SELECT id, n FROM stamped WHERE id = {key}
SELECT count(*) FROM stamped WHERE at IS NULL
SELECT no, n FROM numbered WHERE no = {key}
SELECT max(no) FROM numbered
SELECT id FROM items FORCE INDEX (org) WHERE org = {org}
SELECT SQL_CALC_FOUND_ROWS id FROM items WHERE org = {org}
SELECT /*! id, */ n FROM items WHERE id = {key}

-- @writes
UPDATE items SET n = {maybe} WHERE id = {key}
UPDATE items SET n = {n!} WHERE id = {key}
UPDATE items SET name = {text}, flag = {flag} WHERE id IN ({key...})
UPDATE items SET n = {n!} WHERE org = {org}
UPDATE items SET org = {org} WHERE id = {key}
UPDATE items SET org = {org} WHERE org = {org}
UPDATE items SET id = {key} WHERE id = {key}
UPDATE IGNORE items SET id = {key} WHERE org = {org}
UPDATE items SET id = id + 20 WHERE id = {key}
UPDATE items SET id = id - 20 WHERE id > 20
UPDATE items SET n = 1, id = {key!} WHERE id = {key} ORDER BY id LIMIT 1
UPDATE items SET n = {n!} ORDER BY id LIMIT 2
UPDATE items i JOIN `lines` l ON l.item = i.id SET i.n = l.no, l.note = 'both' WHERE i.id = {key}
UPDATE items i, `lines` l SET l.org = i.org WHERE l.item = i.id AND i.id = {key}
UPDATE items SET n = 0 WHERE code = {code}
UPDATE items SET n = 1 WHERE name = {text}
UPDATE items SET n = 2 WHERE exact = {text}
UPDATE items SET n = 3 WHERE bytes = {text}
UPDATE items SET n = 4 WHERE fixed = {text}
UPDATE items SET n = 5 WHERE price = {price}
UPDATE items SET n = 6 WHERE weight = {weight}
UPDATE items SET n = 7 WHERE uid = {uid}
UPDATE items SET n = 8 WHERE day = {day}
UPDATE items SET n = 8, moment = {day} WHERE moment = {day}
UPDATE items SET n = 9 WHERE flag = {flag}
UPDATE items SET n = 9 WHERE flag
UPDATE items SET flag = {n!} WHERE id = {key}
UPDATE items SET n = 1 WHERE word = {text}
UPDATE items SET n = 2 WHERE word = {n!}
UPDATE items SET n = 3 WHERE small = {n}
UPDATE IGNORE items SET n = 4 WHERE name = 0
UPDATE items SET n = n + 1 WHERE id = '3'
UPDATE `lines` SET no = no + 10 WHERE item = {key} AND no = {n}
UPDATE `lines` SET no = {n!} WHERE item = {key}
UPDATE `lines` SET note = {text} WHERE item = {key}
DELETE FROM items WHERE id = {key}
DELETE FROM items WHERE id BETWEEN {key!} AND {key!} AND n = {n}
DELETE FROM items WHERE n = {n} ORDER BY id LIMIT 1
DELETE i, l FROM items i JOIN `lines` l ON l.item = i.id WHERE i.id = {key}
DELETE FROM i USING items i JOIN `lines` l ON l.item = i.id WHERE l.no = {n}
DELETE FROM `lines` WHERE item = {key}
DELETE FROM `lines` WHERE item = {key} AND no = {n} RETURNING no
INSERT INTO items (id, org, n, name) VALUES ({key}, {org}, {n!}, {text})
INSERT INTO items (id, org, n, name) VALUES ({key}, {org}, {n!}, {text}), ({key}, {org}, {n!}, {text})
INSERT INTO items SET id = {key}, org = {org}
INSERT IGNORE INTO items (id, org) VALUES ({key}, {org})
INSERT INTO items (id, org, n) VALUES ({key}, {org}, {n!}) ON DUPLICATE KEY UPDATE n = VALUES(n), org = {org!}
INSERT INTO items (id, org, code) VALUES ({key}, {org}, {code}) ON DUPLICATE KEY UPDATE org = org + 1
REPLACE INTO items (id, org, n, code) VALUES ({key}, {org}, {n!}, {code})
REPLACE INTO items SET id = {key}, uid = {uid}
INSERT IGNORE INTO items (id, org, n) SELECT item, org, no FROM `lines` WHERE org = {org}
INSERT INTO `lines` (item, no, org) VALUES ({key}, {n}, {org}) RETURNING *
INSERT INTO numbered (n) VALUES ({n!})
INSERT INTO numbered VALUES (NULL, {n!})
INSERT INTO numbered VALUES (0, {n!}), (DEFAULT, {n!})
DELETE FROM numbered WHERE no = {key}
UPDATE stamped SET n = {n!} WHERE id = {key}
INSERT INTO stamped (id, n) VALUES ({key}, {n!}) ON DUPLICATE KEY UPDATE at = NULL
UPDATE parts SET n = {n!} WHERE id = {key}
UPDATE parts SET org = {org} WHERE id = {key}
UPDATE parts PARTITION (one) SET n = {n!} WHERE id = {key}
DELETE FROM parts PARTITION (rest) WHERE id = {key}
INSERT INTO parts PARTITION (two) VALUES ({key!}, 2, {n!})
UPDATE loose SET n = {n!} WHERE id = {key}
INSERT INTO loose VALUES ({key}, {n!}), ({key}, {n!})
DELETE FROM loose WHERE id = {key}
! TRUNCATE `lines`
! TRUNCATE TABLE loose
! ALTER TABLE parts TRUNCATE PARTITION one

-- @refill
INSERT IGNORE INTO items (id, org, n, name, code, flag, day, uid, price, weight, exact, bytes, fixed, word, small, moment) WITH RECURSIVE g (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g WHERE g < 12) SELECT g, 1 + g % 4, g % 10, char(96 + g), concat('c', g), g % 2 = 0, concat('2024-01-0', 1 + g % 6), concat('00000000-0000-0000-0000-0000abcdef0', hex(g)), g % 4, g % 3 / 2.0, char(96 + g), char(96 + g), char(96 + g), 1 + g % 5, g % 10, concat('2024-01-0', 1 + g % 6) FROM g
INSERT IGNORE INTO `lines` (item, no, org) SELECT a.id, b.id, 1 + (a.id + b.id) % 4 FROM items a, items b WHERE b.id < 4
INSERT IGNORE INTO stamped (id, n) SELECT id, n FROM items
INSERT IGNORE INTO parts SELECT id, org, n FROM items
INSERT IGNORE INTO loose SELECT id, n FROM items
DELETE FROM items WHERE id > 12
DELETE FROM numbered WHERE no < (SELECT max(no) - 10 FROM numbered)

-- @calls
DELETE FROM `lines` WHERE item = {key} RETURNING no
SELECT nextval(counting) > 0

-- @ddl
ALTER TABLE items ADD COLUMN IF NOT EXISTS extra INT DEFAULT 7
ALTER TABLE items DROP COLUMN IF EXISTS extra
CREATE INDEX IF NOT EXISTS by_n ON items (n)
DROP INDEX IF EXISTS by_n ON items
ALTER TABLE items MODIFY name VARCHAR(20) COLLATE utf8mb4_bin
ALTER TABLE items MODIFY name VARCHAR(20) COLLATE utf8mb4_general_ci
ALTER TABLE loose ENGINE = InnoDB
ALTER TABLE loose ENGINE = Aria
ANALYZE TABLE items

-- @outside
ALTER TABLE items MODIFY exact VARCHAR(20) COLLATE utf8mb4_general_ci
ALTER TABLE items MODIFY exact VARCHAR(20) COLLATE utf8mb4_nopad_bin
