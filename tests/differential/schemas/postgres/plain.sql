-- Tables that hide nothing: every kind of key, and every way to compare with it.

-- @schema
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE TABLE items (
    id int PRIMARY KEY,
    org bigint NOT NULL DEFAULT 1,
    n smallint,
    name text,
    code varchar(8) UNIQUE,
    flag boolean NOT NULL DEFAULT false,
    day date,
    uid uuid UNIQUE,
    price numeric,
    weight float8,
    tag citext,
    ci text COLLATE loose,
    fixed char(4)
);
CREATE INDEX ON items (org, n);
CREATE INDEX ON items (name);
CREATE INDEX ON items (flag);
CREATE INDEX ON items (day);
CREATE INDEX ON items (price);
CREATE INDEX ON items (weight);
CREATE INDEX ON items (tag);
CREATE INDEX ON items (ci);
CREATE INDEX ON items (fixed);
CREATE TABLE lines (
    item int NOT NULL,
    no smallint NOT NULL,
    org bigint,
    n bigint GENERATED ALWAYS AS (no * 2) STORED,
    note text DEFAULT 'new',
    PRIMARY KEY (item, no)
);
CREATE INDEX ON lines (org);
CREATE INDEX ON lines (lower(note));

-- @tables
rw items id:key org:org n:maybe name:text code:code flag:flag day:day uid:uid price:price weight:weight tag:text ci:text fixed:text
rw items id:key org:org n:n name:text code:code flag:flag
rw lines item:key no:n org:org note:text
lines item:key n:n

-- @reads
SELECT id, org, n, name FROM items WHERE id = {key}
SELECT id, org, n, name FROM items WHERE id = {key}
SELECT * FROM items WHERE id IN ({key...})
SELECT id, name FROM items WHERE id = ANY({array})
SELECT id, name FROM items WHERE org = {org}
SELECT id, name FROM items WHERE org = {org} AND n = {n}
SELECT id, name FROM items WHERE (org, n) = ({org}, {n})
SELECT id, n FROM items WHERE name = {text}
SELECT id, n FROM items WHERE code = {code}
SELECT id, n FROM items WHERE code = {code} OR id = {key}
SELECT id, n FROM items WHERE flag = {flag}
SELECT id, n FROM items WHERE flag
SELECT id, n FROM items WHERE NOT flag AND org = {org}
SELECT id, n FROM items WHERE day = {day}
SELECT id, n FROM items WHERE uid = {uid}
SELECT id, n FROM items WHERE price = {price}
SELECT id, n FROM items WHERE weight = {weight}
SELECT id, n FROM items WHERE tag = {text}
SELECT id, n FROM items WHERE ci = {text}
SELECT id, n FROM items WHERE fixed = {text}
SELECT id, n FROM items WHERE id = {key} AND id = {key}
SELECT id, n FROM items WHERE id = {key} AND org = {org}
SELECT id, n FROM items WHERE id IS NOT DISTINCT FROM {key}
SELECT id, n FROM items WHERE id BETWEEN {key} AND {key} ORDER BY id
SELECT id, org, n FROM items ORDER BY n, id LIMIT 3
SELECT count(*), sum(n), max(id) FROM items
SELECT org, count(*), min(name COLLATE "C") FROM items GROUP BY org
SELECT org FROM items WHERE flag GROUP BY org HAVING count(*) > {n!}
SELECT i.id, l.no, l.note FROM items i JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no, l.note FROM items i LEFT JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no, l.note FROM items i LEFT JOIN lines l ON l.item = i.id AND l.item = {key}
SELECT i.id, l.no FROM items i, lines l WHERE l.item = i.id AND l.item = {key}
SELECT i.id, l.no FROM items i RIGHT JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT i.id, l.no FROM items i FULL JOIN lines l ON l.item = i.id WHERE i.id = {key}
SELECT a.id, b.id FROM items a JOIN items b ON a.org = b.org WHERE a.org = {org}
SELECT a.id, b.id FROM items a JOIN items b ON a.org = b.org WHERE a.id = {key}
SELECT a.id, b.id FROM items a JOIN items b ON a.org = b.id WHERE a.org = {org}
SELECT a.id, b.no FROM items a JOIN lines b ON a.n = b.item WHERE a.n = {n}
SELECT a.id FROM items a JOIN items b USING (org, n) WHERE org = {org}
SELECT l.no, l.n FROM lines l WHERE l.item = {key} AND l.no = {n}
SELECT note FROM lines WHERE lower(note) = {text}
SELECT id FROM items WHERE id = (SELECT max(item) FROM lines WHERE org = {org})
SELECT id, (SELECT count(*) FROM lines l WHERE l.item = i.id) FROM items i WHERE i.id = {key}
SELECT id FROM items i WHERE EXISTS (SELECT FROM lines l WHERE l.item = {key}) AND id = {same}
SELECT id FROM items WHERE id = {key} UNION SELECT item FROM lines WHERE item = {key}
SELECT id FROM items WHERE id = {key} EXCEPT SELECT item FROM lines WHERE item = {key}
WITH mine AS (SELECT * FROM items WHERE org = {org}) SELECT id, n FROM mine WHERE id = {key}
WITH mine AS (SELECT id, org FROM items) SELECT m.id, l.no FROM mine m JOIN lines l ON l.item = m.id WHERE m.id = {key}
WITH items AS (SELECT item AS id, org FROM lines) SELECT id FROM items WHERE id = {key}
SELECT x.id, x.n FROM (SELECT id, n FROM items WHERE id = {key}) x
SELECT i.id, x.no FROM items i CROSS JOIN LATERAL (SELECT no FROM lines l WHERE l.item = i.id) x WHERE i.id = {key}
SELECT count(*) FILTER (WHERE id = {key}) FROM items
SELECT id, rank() OVER (ORDER BY n, id) FROM items WHERE org = {org}
SELECT CASE WHEN id = {key} THEN n ELSE 0 END FROM items
SELECT 12 / n FROM items WHERE id = {key}
SELECT id FROM items WHERE name LIKE {text}
SELECT id FROM items WHERE id::text = {text}
SELECT items::text FROM items WHERE id = {key}
SELECT count(*) FROM (VALUES (1), (2)) v (id) JOIN items USING (id)
TABLE lines

-- @writes
UPDATE items SET n = {maybe} WHERE id = {key}
UPDATE items SET n = {n!} WHERE id = {key}
UPDATE items SET name = {text}, flag = {flag} WHERE id IN ({key...})
UPDATE items SET n = n + 1 WHERE id = ANY({array})
UPDATE items SET n = {n!} WHERE org = {org}
UPDATE items SET org = {org} WHERE id = {key}
UPDATE items SET org = {org} WHERE org = {org}
UPDATE items SET id = {key} WHERE id = {key}
UPDATE items SET id = id + 20 WHERE id = {key}
UPDATE items SET id = id - 20 WHERE id > 20
UPDATE items SET (n, org) = ({n!}, {org!}) WHERE id = {key}
UPDATE items SET n = l.no FROM lines l WHERE l.item = items.id AND items.id = {key}
UPDATE items SET n = 0 WHERE code = {code}
UPDATE items SET n = 1 WHERE name = {text}
UPDATE items SET n = 2 WHERE tag = {text}
UPDATE items SET n = 3 WHERE ci = {text}
UPDATE items SET n = 4 WHERE fixed = {text}
UPDATE items SET n = 5 WHERE price = {price}
UPDATE items SET n = 6 WHERE weight = {weight}
UPDATE items SET n = 7 WHERE uid = {uid}
UPDATE items SET n = 8 WHERE day = {day}
UPDATE items SET n = 9 WHERE flag = {flag}
UPDATE items SET n = 3 WHERE id = {key} OR org = {org}
UPDATE items AS i SET n = 2 WHERE i.id = {key} RETURNING i.*
UPDATE items SET n = DEFAULT WHERE id = (SELECT min(id) FROM items)
UPDATE lines SET no = no + 10 WHERE item = {key} AND no = {n}
UPDATE lines SET note = {text} WHERE item = {key}
UPDATE ONLY lines SET note = {text} WHERE (item, no) IN (({key!}, {n!}), ({key!}, {n!}))
DELETE FROM items WHERE id = {key}
DELETE FROM items WHERE id BETWEEN {key!} AND {key!} AND n = {n}
DELETE FROM items USING lines l WHERE l.item = items.id AND l.no = {n}
DELETE FROM lines WHERE item = {key}
DELETE FROM lines WHERE item = {key} AND no = {n} RETURNING no
INSERT INTO items (id, org, n, name) VALUES ({key}, {org}, {n!}, {text})
INSERT INTO items (id, org, n, name) VALUES ({key}, {org}, {n!}, {text}), ({key}, {org}, {n!}, {text})
INSERT INTO items (id) VALUES ({key})
INSERT INTO items VALUES ({key}, {org}, {maybe})
INSERT INTO items (id, org, n) SELECT item, org, no FROM lines WHERE org = {org} ON CONFLICT DO NOTHING
INSERT INTO items (id, org, n) VALUES ({key}, {org}, {n!}) ON CONFLICT (id) DO UPDATE SET n = excluded.n, org = excluded.org
INSERT INTO items (id, org, code) VALUES ({key}, {org}, {code}) ON CONFLICT (code) DO UPDATE SET org = excluded.org
INSERT INTO lines (item, no, org) VALUES ({key}, {n}, {org}) RETURNING *
INSERT INTO lines (item, no, org) VALUES ({key}, {n}, {org}), ({key}, {n}, DEFAULT)
INSERT INTO lines (item, no, org) OVERRIDING USER VALUE VALUES ({key}, {n}, {org}) ON CONFLICT DO NOTHING
WITH gone AS (DELETE FROM lines WHERE item = {key} RETURNING item, no) INSERT INTO items (id, n) SELECT item + 12, min(no) FROM gone GROUP BY item ON CONFLICT DO NOTHING
WITH moved AS (UPDATE items SET org = {org} WHERE id = {key} RETURNING id) SELECT id FROM moved
MERGE INTO items i USING (SELECT DISTINCT ON (item) item, no FROM lines WHERE org = {org} ORDER BY item, no) l ON i.id = l.item
 WHEN MATCHED THEN UPDATE SET n = l.no
 WHEN NOT MATCHED THEN INSERT (id, n) VALUES (l.item, l.no)
MERGE INTO items i USING lines l ON i.id = l.item AND l.item = {key} AND l.no = {n} WHEN MATCHED THEN DELETE
! TRUNCATE lines
! TRUNCATE TABLE ONLY items, lines

-- @refill
INSERT INTO items (id, org, n, name, code, flag, day, uid, price, weight, tag, ci, fixed) SELECT g, 1 + g % 4, g % 10, chr(96 + g), 'c' || g, g % 2 = 0, DATE '2024-01-01' + g % 6, ('00000000-0000-0000-0000-0000abcdef' || lpad(to_hex(g), 2, '0'))::uuid, g % 4, g % 3 / 2.0, chr(64 + g), chr(96 + g), chr(96 + g) FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO lines (item, no, org) SELECT g, h, 1 + (g + h) % 4 FROM generate_series(1, 12) g, generate_series(0, 2) h ON CONFLICT DO NOTHING
DELETE FROM items WHERE id > 12

-- @calls
WITH moved AS (UPDATE items SET n = {n!} WHERE id = {key} RETURNING id, n) SELECT * FROM moved
WITH gone AS (DELETE FROM lines WHERE item = {key} RETURNING 1) SELECT count(*) FROM gone

-- @ddl
ALTER TABLE items ADD COLUMN IF NOT EXISTS extra int DEFAULT 7
ALTER TABLE items DROP COLUMN IF EXISTS extra
CREATE INDEX IF NOT EXISTS by_n ON items (n)
DROP INDEX IF EXISTS by_n
COMMENT ON TABLE items IS 'things'
ANALYZE items

-- @outside
ALTER TABLE items ALTER COLUMN name SET DEFAULT 'outside'
ALTER TABLE items ALTER COLUMN name DROP DEFAULT
