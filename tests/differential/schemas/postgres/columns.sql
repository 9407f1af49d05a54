-- Code that columns run and no statement names: in defaults, constraints and generated columns.

-- @schema
CREATE TABLE visits (no int GENERATED ALWAYS AS IDENTITY, id int);
CREATE TABLE audits (id int PRIMARY KEY, n int NOT NULL);
CREATE FUNCTION visit(x int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO visits (id) VALUES (x);
    RETURN x;
END $$;
CREATE FUNCTION audit(x int) RETURNS int LANGUAGE sql AS 'UPDATE audits SET n = n + 1 WHERE id = x RETURNING n';
CREATE FUNCTION twice(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x * 2';
CREATE TABLE defaulted (
    id int PRIMARY KEY,
    n int DEFAULT visit(0),
    doubled int GENERATED ALWAYS AS (twice(id)) STORED
);
CREATE TABLE checked (id int PRIMARY KEY, n int CHECK (audit(n) IS NOT NULL OR n IS NOT NULL));

-- @tables
visits id:key
rw audits id:key n:n
defaulted id:key n:n doubled:n
checked id:key n:n

-- @reads
SELECT count(*) FROM visits
SELECT id, count(*) FROM visits WHERE id = {key} GROUP BY id
SELECT count(*) FROM visits WHERE id = 0
SELECT id, n FROM audits WHERE id = {key}
SELECT sum(n) FROM audits
SELECT id, n, doubled FROM defaulted WHERE id = {key}
SELECT id, n FROM checked WHERE id = {key}
SELECT count(*) FROM checked

-- @writes
INSERT INTO defaulted (id) VALUES ({key})
INSERT INTO defaulted (id, n) VALUES ({key}, {n!})
INSERT INTO defaulted (id, n) VALUES ({key}, DEFAULT) RETURNING id
UPDATE defaulted SET n = DEFAULT WHERE id = {key}
DELETE FROM defaulted WHERE id = {key}
INSERT INTO checked VALUES ({key}, {org!})
UPDATE checked SET n = {org!} WHERE id = {key}
DELETE FROM checked WHERE id = {key}
UPDATE audits SET n = {n!} WHERE id = {key}

-- @refill
INSERT INTO audits SELECT g, g FROM generate_series(1, 6) g ON CONFLICT DO NOTHING
DELETE FROM visits WHERE no < (SELECT max(no) - 20 FROM visits)
