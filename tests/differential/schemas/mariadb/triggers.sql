-- Triggers in stored programs: blocks, branches, loops, cursors, handlers, calls of procedures, and such that change keys.

-- @schema
CREATE TABLE accounts (id INT PRIMARY KEY, org INT, n INT, name VARCHAR(20));
CREATE TABLE audit (no INT AUTO_INCREMENT PRIMARY KEY, account INT, what VARCHAR(20), KEY (account));
CREATE TABLE totals (org INT PRIMARY KEY, n INT);
CREATE TABLE chain_a (id INT PRIMARY KEY, n INT);
CREATE TABLE chain_b (id INT PRIMARY KEY, n INT);
CREATE TABLE chain_c (id INT PRIMARY KEY, n INT);
CREATE TABLE moved (id INT PRIMARY KEY, org INT, n INT, slug VARCHAR(8) COLLATE utf8mb4_bin, KEY (org), KEY (slug));
CREATE TABLE busy (id INT PRIMARY KEY, n INT);
CREATE TABLE busy_1 (id INT PRIMARY KEY, n INT);
CREATE TABLE busy_2 (id INT PRIMARY KEY, n INT);
CREATE TABLE busy_3 (id INT PRIMARY KEY, n INT);
CREATE TABLE `odd ``one` (id INT PRIMARY KEY, n INT);
CREATE TABLE kept (id INT PRIMARY KEY, n INT);
CREATE TRIGGER account_added AFTER INSERT ON accounts FOR EACH ROW INSERT INTO audit (account, what) VALUES (NEW.id, 'new');
CREATE TRIGGER account_changed AFTER UPDATE ON accounts FOR EACH ROW BEGIN
    IF NOT (OLD.n <=> NEW.n) THEN
        INSERT INTO audit (account, what) VALUES (NEW.id, 'changed; END');
    ELSEIF OLD.org <> NEW.org THEN
        INSERT INTO totals VALUES (NEW.org, NEW.n) ON DUPLICATE KEY UPDATE n = n + 1;
    END IF;
END;
CREATE TRIGGER account_gone BEFORE DELETE ON accounts FOR EACH ROW BEGIN
    # UPDATE nothing
    INSERT INTO audit (account, what) VALUES (OLD.id, CASE WHEN OLD.n > 3 THEN 'much' ELSE 'little' END);
    UPDATE totals SET n = n - OLD.n WHERE org = OLD.org;
END;
CREATE TRIGGER a_to_b AFTER UPDATE ON chain_a FOR EACH ROW UPDATE chain_b SET n = NEW.n WHERE id = NEW.id;
CREATE PROCEDURE write_c(IN which INT, IN what INT) UPDATE chain_c SET n = what WHERE id = which;
CREATE TRIGGER b_to_c BEFORE UPDATE ON chain_b FOR EACH ROW CALL write_c(NEW.id, NEW.n);
CREATE TRIGGER moves BEFORE UPDATE ON moved FOR EACH ROW BEGIN
    SET NEW.org = 1 + NEW.n MOD 4, NEW.slug = concat('c', NEW.n);
    IF NEW.n = 9 THEN SET NEW.id = NEW.id + 12; END IF;
END;
CREATE TRIGGER moves_new BEFORE INSERT ON moved FOR EACH ROW SET NEW.org = 1 + NEW.n MOD 4, NEW.slug = concat('c', NEW.n);
CREATE TRIGGER keeps_busy AFTER UPDATE ON busy FOR EACH ROW BEGIN
    DECLARE chain_a INT DEFAULT 3; -- not the table
    DECLARE done INT DEFAULT 0;
    DECLARE which, what INT;
    DECLARE c CURSOR FOR SELECT id, n FROM busy_2;
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1;
    DECLARE CONTINUE HANDLER FOR 1690 DELETE FROM kept;
    OPEN c;
    reading: LOOP
        FETCH c INTO which, what;
        IF done THEN LEAVE reading; END IF;
        UPDATE busy_1 SET n = what WHERE id = which;
    END LOOP reading;
    CLOSE c;
    WHILE chain_a > 0 DO
        REPLACE INTO busy_3 VALUES (chain_a, NEW.n);
        SET chain_a = chain_a - 1;
    END WHILE;
    CASE NEW.n
        WHEN 3 THEN UPDATE `odd ``one` SET n = n + 1;
        ELSE BEGIN END;
    END CASE;
    FOR i IN 1 .. 2 DO
        UPDATE busy_2 SET n = i WHERE id = i;
    END FOR;
    REPEAT SET chain_a = chain_a + 1; UNTIL chain_a > 1 END REPEAT;
    IF (SELECT count(*) FROM busy_1) > 100 THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'many';
    END IF;
END;
CREATE TRIGGER kept_gone AFTER DELETE ON kept FOR EACH ROW DELETE b, c FROM busy_3 b LEFT JOIN chain_c c ON c.id = b.id WHERE b.id = OLD.id;
CREATE TRIGGER second_look AFTER UPDATE ON chain_a FOR EACH ROW FOLLOWS a_to_b UPDATE kept SET n = NEW.n WHERE id = NEW.id;

-- @tables
rw accounts id:key org:org n:n name:text
audit account:key what:text
totals org:org n:n
rw chain_a id:key n:n
rw chain_b id:key n:n
chain_c id:key n:n
rw moved id:key org:org n:n slug:code
rw busy id:key n:n
busy_1 id:key n:n
busy_2 id:key n:n
busy_3 id:key n:n
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
SELECT id, n FROM busy_1 WHERE id = {key}
SELECT id, n FROM busy_2 WHERE id = {key}
SELECT id, n FROM busy_3
SELECT id, n FROM `odd ``one` WHERE id = {key}
SELECT id, n FROM kept WHERE id = {key}
SELECT a.id, t.n FROM accounts a JOIN totals t ON t.org = a.org WHERE a.id = {key}

-- @writes
UPDATE accounts SET n = {n!} WHERE id = {key}
UPDATE accounts SET name = {text} WHERE id = {key}
UPDATE accounts SET org = {org} WHERE id = {key}
DELETE FROM accounts WHERE id = {key}
INSERT INTO accounts (id, org, n) VALUES ({key}, {org}, {n!})
REPLACE INTO accounts (id, org, n) VALUES ({key}, {org}, {n!})
UPDATE chain_a SET n = {n!} WHERE id = {key}
UPDATE chain_b SET n = {n!} WHERE id = {key}
UPDATE moved SET n = {n!} WHERE id = {key}
UPDATE moved SET n = {n!} WHERE slug = {code}
DELETE FROM moved WHERE id > 12
INSERT INTO moved (id, org, n) VALUES ({key}, {org}, {n!})
INSERT INTO moved (id, n) VALUES ({key}, {n!}) ON DUPLICATE KEY UPDATE n = VALUES(n)
UPDATE busy SET n = {n!} WHERE id = {key}
DELETE FROM kept WHERE id = {key}
UPDATE kept SET n = {n!} WHERE id = {key}
CALL write_c({key!}, {n!})
DELETE FROM audit WHERE account = {key}
! TRUNCATE audit

-- @refill
INSERT IGNORE INTO accounts WITH RECURSIVE g (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM g WHERE g < 12) SELECT g, 1 + g % 4, g % 10, char(96 + g) FROM g
INSERT IGNORE INTO totals VALUES (1, 0), (2, 0), (3, 0), (4, 0)
INSERT IGNORE INTO chain_a SELECT id, n FROM accounts
INSERT IGNORE INTO chain_b SELECT id, n FROM accounts
INSERT IGNORE INTO chain_c SELECT id, n FROM accounts
INSERT IGNORE INTO moved (id, org, n) SELECT id, org, n FROM accounts
INSERT IGNORE INTO busy SELECT id, n FROM accounts
INSERT IGNORE INTO busy_1 SELECT id, n FROM accounts
INSERT IGNORE INTO busy_2 SELECT id, n FROM accounts
INSERT IGNORE INTO `odd ``one` SELECT id, n FROM accounts
INSERT IGNORE INTO kept SELECT id, n FROM accounts
DELETE FROM audit WHERE no < (SELECT max(no) - 20 FROM audit)

-- @ddl
CREATE OR REPLACE TRIGGER extra AFTER UPDATE ON moved FOR EACH ROW UPDATE kept SET n = NEW.n WHERE id = NEW.id
DROP TRIGGER IF EXISTS extra
CREATE OR REPLACE TRIGGER more AFTER INSERT ON audit FOR EACH ROW UPDATE totals SET n = n + 1
DROP TRIGGER IF EXISTS more
CREATE OR REPLACE PROCEDURE write_c(IN which INT, IN what INT) UPDATE chain_c SET n = what WHERE id = which
CREATE OR REPLACE PROCEDURE write_c(IN which INT, IN what INT) UPDATE busy_3 SET n = what WHERE id = which

-- @outside
CREATE OR REPLACE TRIGGER more AFTER INSERT ON audit FOR EACH ROW UPDATE kept SET n = 1
DROP TRIGGER IF EXISTS more
CREATE OR REPLACE PROCEDURE write_c(IN which INT, IN what INT) UPDATE busy_1 SET n = what WHERE id = which
