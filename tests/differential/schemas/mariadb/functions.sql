-- Functions and procedures, in the select list, in conditions, in writes and in views, also with dynamic SQL.

-- @schema
CREATE TABLE stock (id INT PRIMARY KEY, org INT, n INT, KEY (org));
CREATE TABLE rates (org INT PRIMARY KEY, n INT);
CREATE TABLE visits (no INT AUTO_INCREMENT PRIMARY KEY, id INT, KEY (id));
CREATE TABLE tickets (id INT PRIMARY KEY, n INT);
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC NO SQL RETURN x * 2;
CREATE FUNCTION rate(o INT) RETURNS INT READS SQL DATA RETURN (SELECT n FROM rates WHERE org = o);
CREATE FUNCTION rate_fixed(o INT) RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT n FROM rates WHERE org = o);
CREATE FUNCTION rate_slowly(o INT) RETURNS INT READS SQL DATA BEGIN
    DECLARE r INT;
    SELECT n INTO r FROM rates WHERE org = o;
    RETURN coalesce(r, 0);
END;
CREATE FUNCTION rate_by_way(o INT) RETURNS INT READS SQL DATA RETURN rate(o) + 1;
CREATE FUNCTION rate_careless(o INT) RETURNS INT RETURN (SELECT n FROM rates WHERE org = o);
CREATE FUNCTION visit(x INT) RETURNS INT MODIFIES SQL DATA BEGIN
    INSERT INTO visits (id) VALUES (x);
    RETURN x;
END;
CREATE FUNCTION visit_by_way(x INT) RETURNS INT BEGIN
    DECLARE y INT;
    SET y = visit(x);
    RETURN y;
END;
CREATE PROCEDURE restock(IN o INT) BEGIN
    UPDATE stock SET n = n + 1 WHERE org = o;
    CALL reprice(o);
END;
CREATE PROCEDURE reprice(IN o INT) UPDATE rates SET n = n + 1 WHERE org = o;
CREATE PROCEDURE spend(IN o INT) BEGIN
    EXECUTE IMMEDIATE concat('UPDATE ra', 'tes SET n = n + 1 WHERE org = ', o);
END;
CREATE VIEW priced AS SELECT s.id, s.n * rate_slowly(s.org) AS price FROM stock s;
CREATE VIEW visiting AS SELECT id, visit(id) AS seen FROM tickets;
CREATE VIEW asking AS SELECT id, connection_id() > 0 AS asked FROM tickets;

-- @tables
rw stock id:key org:org n:n
rw rates org:org n:n
priced id:key price:n
visits id:key
rw tickets id:key n:n

-- @reads
SELECT id, twice(n) FROM stock WHERE id = {key}
SELECT rate({org!})
SELECT id, rate(org) FROM stock WHERE id = {key}
SELECT id, rate_fixed(org) FROM stock WHERE org = {org}
SELECT id, rate_slowly(org) FROM stock WHERE id = {key}
SELECT id, rate_by_way(org) FROM stock WHERE id = {key}
SELECT id, rate_careless(org) FROM stock WHERE id = {key}
SELECT id FROM stock WHERE n > rate({org!})
SELECT id, price FROM priced WHERE id = {key}
SELECT count(*) FROM visits
SELECT id, count(*) FROM visits WHERE id = {key} GROUP BY id
SELECT id, asked FROM asking

-- @writes
UPDATE stock SET n = {n!} WHERE id = {key}
UPDATE stock SET n = rate(org) WHERE id = {key}
UPDATE stock SET n = visit({key!}) WHERE id = {key}
UPDATE stock SET org = {org} WHERE id = {key}
UPDATE stock SET n = {n!} WHERE id = twice({org!})
UPDATE stock SET n = {n!} WHERE id = {key} AND visit_by_way({key!}) > 0
UPDATE rates SET n = {n!} WHERE org = {org}
DELETE FROM stock WHERE id = visit({key!})
DELETE FROM stock WHERE id = {key}
DELETE FROM rates WHERE org = {org}
INSERT INTO tickets VALUES (visit({key!}), {n!})
INSERT IGNORE INTO tickets SELECT visit_by_way(id), n FROM stock WHERE id = {key}
DELETE FROM tickets WHERE id = {key}
CALL restock({org!})
CALL spend({org!})
SELECT visit({key!})
SELECT seen FROM visiting WHERE id = {key}
DO visit({key!})
SET @seen = visit({key!})
BEGIN NOT ATOMIC UPDATE rates SET n = n + 1 WHERE org = 2; END
EXECUTE IMMEDIATE 'UPDATE rates SET n = 5 WHERE org = 3'
DELETE FROM visits WHERE id = {key}
! TRUNCATE visits

-- @refill
INSERT IGNORE INTO stock WITH RECURSIVE g (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g WHERE g < 12) SELECT g, 1 + g % 4, g % 10 FROM g
INSERT IGNORE INTO rates VALUES (1, 1), (2, 2), (3, 3), (4, 4)
INSERT IGNORE INTO tickets SELECT id, n FROM stock WHERE id < 7
UPDATE rates SET n = n % 10
DELETE FROM visits WHERE no < (SELECT max(no) - 20 FROM visits)

-- @calls
SELECT visit({key!})
SELECT id, visit(id) FROM stock WHERE id = {key}
SELECT visit_by_way({key!}), n FROM stock WHERE id = {key}
SELECT id, seen FROM visiting WHERE id = {key}

-- @ddl
CREATE OR REPLACE FUNCTION rate(o INT) RETURNS INT READS SQL DATA RETURN (SELECT n FROM rates WHERE org = o)
CREATE OR REPLACE FUNCTION rate(o INT) RETURNS INT READS SQL DATA RETURN (SELECT max(n) FROM stock WHERE org = o)
CREATE OR REPLACE FUNCTION rate_fixed(o INT) RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT count(*) FROM visits WHERE id = o)
CREATE OR REPLACE FUNCTION rate_fixed(o INT) RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT n FROM rates WHERE org = o)

-- @outside
CREATE OR REPLACE FUNCTION rate(o INT) RETURNS INT READS SQL DATA RETURN (SELECT min(n) FROM stock WHERE org = o)
CREATE OR REPLACE FUNCTION visit(x INT) RETURNS INT MODIFIES SQL DATA BEGIN UPDATE tickets SET n = n + 1 WHERE id = x; RETURN x; END
CREATE OR REPLACE FUNCTION visit(x INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO visits (id) VALUES (x); RETURN x; END
