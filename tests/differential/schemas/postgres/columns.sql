-- Code that columns run and no statement names: in defaults, constraints and generated columns.

-- @schema
CREATE TABLE column_marks (no int GENERATED ALWAYS AS IDENTITY, id int);
CREATE TABLE column_audits (id int PRIMARY KEY, n int NOT NULL);
CREATE FUNCTION column_mark(x int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO column_marks (id) VALUES (x);
    RETURN x;
END $$;
CREATE FUNCTION column_audit(x int) RETURNS int LANGUAGE sql AS 'UPDATE column_audits SET n = n + 1 WHERE id = x RETURNING n';
CREATE FUNCTION column_twice(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x * 2';
CREATE TABLE column_defaulted (
    id int PRIMARY KEY,
    n int DEFAULT column_mark(0),
    doubled int GENERATED ALWAYS AS (column_twice(id)) STORED
);
CREATE TABLE column_checked (id int PRIMARY KEY, n int CHECK (column_audit(n) IS NOT NULL OR n IS NOT NULL));

-- @tables
column_marks id:key
rw column_audits id:key n:n
column_defaulted id:key n:n doubled:n
column_checked id:key n:n

-- @reads
SELECT count(*) FROM column_marks
SELECT id, count(*) FROM column_marks WHERE id = {key} GROUP BY id
SELECT count(*) FROM column_marks WHERE id = 0
SELECT id, n FROM column_audits WHERE id = {key}
SELECT sum(n) FROM column_audits
SELECT id, n, doubled FROM column_defaulted WHERE id = {key}
SELECT id, n FROM column_checked WHERE id = {key}
SELECT count(*) FROM column_checked

-- @writes
INSERT INTO column_defaulted (id) VALUES ({key})
INSERT INTO column_defaulted (id, n) VALUES ({key}, {n!})
INSERT INTO column_defaulted (id, n) VALUES ({key}, DEFAULT) RETURNING id
UPDATE column_defaulted SET n = DEFAULT WHERE id = {key}
DELETE FROM column_defaulted WHERE id = {key}
INSERT INTO column_checked VALUES ({key}, {org!})
UPDATE column_checked SET n = {org!} WHERE id = {key}
DELETE FROM column_checked WHERE id = {key}
UPDATE column_audits SET n = {n!} WHERE id = {key}

-- @refill
INSERT INTO column_audits SELECT g, g FROM generate_series(1, 6) g ON CONFLICT DO NOTHING
DELETE FROM column_marks WHERE no < (SELECT max(no) - 20 FROM column_marks)
