-- Functions of each volatility, in the select list, in FROM, in conditions, in writes, and where nobody sees them: in defaults,
-- constraints, domains, aggregates, operators, and under the name of one that is built in.

-- @schema
CREATE TABLE stock (id int PRIMARY KEY, org int, n int);
CREATE TABLE rates (org int PRIMARY KEY, n int);
CREATE TABLE visits (no int GENERATED ALWAYS AS IDENTITY, id int);
CREATE TABLE tickets (id int PRIMARY KEY, n int);
CREATE INDEX ON stock (org);
CREATE SEQUENCE numbers;

CREATE FUNCTION twice(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x * 2';
CREATE FUNCTION thrice(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN x * 3; END';
CREATE FUNCTION rate(o int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM rates WHERE org = o';
CREATE FUNCTION rate_atomic(o int) RETURNS int STABLE LANGUAGE sql BEGIN ATOMIC SELECT n FROM rates WHERE org = o; END;
CREATE FUNCTION rate_return(o int) RETURNS int STABLE LANGUAGE sql RETURN (SELECT n FROM rates WHERE org = o);
CREATE FUNCTION rate_slowly(o int) RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE r int;
BEGIN
    SELECT n INTO r FROM rates WHERE org = o;
    RETURN coalesce(r, 0);
END $$;
CREATE FUNCTION rate_by_way(o int DEFAULT rate(1)) RETURNS int STABLE LANGUAGE sql AS 'SELECT rate(o) + 1';
CREATE FUNCTION rate_careless(o int) RETURNS int LANGUAGE sql AS 'SELECT n FROM rates WHERE org = o';
CREATE FUNCTION rate_dynamic(o int) RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE r int;
BEGIN
    EXECUTE 'SELECT n FROM ' || 'rates' || ' WHERE org = $1' INTO r USING o;
    RETURN r;
END $$;
CREATE FUNCTION stock_of(o int) RETURNS SETOF stock STABLE LANGUAGE sql AS 'SELECT * FROM stock WHERE org = o';
CREATE FUNCTION stock_above(lowest int) RETURNS TABLE (id int, amount int) STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.id, s.n FROM stock s WHERE s.n > lowest;
END $$;
CREATE FUNCTION what(x int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM rates WHERE org = x';
CREATE FUNCTION what(x text) RETURNS int STABLE LANGUAGE sql AS 'SELECT max(n) FROM stock';
-- Under the name of a built-in one, for a type that it does not take.
CREATE FUNCTION length(x int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM rates WHERE org = x';
CREATE FUNCTION visit(x int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO visits (id) VALUES (x);
    RETURN x;
END $$;
CREATE FUNCTION visit_sql(x int) RETURNS int LANGUAGE sql AS 'INSERT INTO visits (id) VALUES (x) RETURNING id';
CREATE FUNCTION spend(x int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'UPDATE ra' || 'tes SET n = n + 1 WHERE org = $1' USING x;
    RETURN x;
END $$;
CREATE FUNCTION mine() RETURNS text STABLE LANGUAGE sql AS $$ SELECT current_setting('app.tenant') $$;
CREATE PROCEDURE restock(o int) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET n = n + 1 WHERE org = o;
    UPDATE rates SET n = n + 1 WHERE org = o;
END $$;
CREATE PROCEDURE restock_sql(o int) LANGUAGE sql AS 'UPDATE stock SET n = 0 WHERE org = o';
CREATE FUNCTION add_rate(total int, o int) RETURNS int STABLE LANGUAGE sql AS 'SELECT total + coalesce(rate(o), 0)';
CREATE AGGREGATE sum_rates (int) (SFUNC = add_rate, STYPE = int, INITCOND = '0');
CREATE FUNCTION same_rate(a int, b int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT rate(a) = rate(b)';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = same_rate);
CREATE FUNCTION is_known(o int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM visit_sql(o); RETURN true; END';
CREATE DOMAIN known AS int CHECK (is_known(VALUE));
CREATE TABLE defaulted (
    id int PRIMARY KEY,
    n int DEFAULT visit(0),
    k known,
    doubled int GENERATED ALWAYS AS (twice(id)) STORED,
    checked int CHECK (visit(checked) > 0)
);
CREATE INDEX ON defaulted (thrice(id));
CREATE VIEW priced AS SELECT s.id, s.n * rate_slowly(s.org) AS price FROM stock s;
CREATE VIEW counted AS SELECT id, sum_rates(org) AS rates FROM stock GROUP BY id;
CREATE VIEW visiting AS SELECT id, visit(id) AS seen FROM tickets;
CREATE VIEW of_tenant AS SELECT id FROM stock WHERE org::text = mine();

-- @tables
rw stock id:key org:org n:n
rw rates org:org n:n
stock_of(2) id:key org:org n:n
stock_above(3) id:key amount:n
priced id:key price:n
visits id:key
rw tickets id:key n:n

-- @reads
SELECT id, twice(n), thrice(n) FROM stock WHERE id = {key}
SELECT rate({org!})
SELECT id, rate(org) FROM stock WHERE id = {key}
SELECT id, rate_atomic(org) FROM stock WHERE id = {key}
SELECT id, rate_return(org) FROM stock WHERE org = {org}
SELECT id, rate_slowly(org) FROM stock WHERE id = {key}
SELECT id, rate_by_way(org), rate_by_way() FROM stock WHERE id = {key}
SELECT id, rate_careless(org) FROM stock WHERE id = {key}
SELECT id, rate_dynamic(org) FROM stock WHERE id = {key}
SELECT id, n FROM stock_of({org!})
SELECT s.id, s.n FROM stock_of({org!}) s WHERE s.id = {key}
SELECT id, amount FROM stock_above({n!})
SELECT s.id, x.amount FROM stock s, LATERAL stock_above(s.n) x WHERE s.id = {key}
SELECT * FROM ROWS FROM (stock_of({org!}), stock_above({n!})) AS x
SELECT id, what(org), what(id::text) FROM stock WHERE id = {key}
SELECT id, length(org) FROM stock WHERE id = {key}
SELECT id FROM stock WHERE n > rate({org!})
SELECT id FROM stock WHERE id = {key} AND org === {org!}
SELECT sum_rates(org) FROM stock
SELECT id, price FROM priced WHERE id = {key}
SELECT id, rates FROM counted WHERE id = {key}
SELECT id, mine() FROM stock WHERE id = {key}
SELECT id FROM of_tenant
SELECT count(*) FROM visits
SELECT id, count(*) FROM visits WHERE id = {key} GROUP BY id
SELECT id, n, k, doubled FROM defaulted WHERE id = {key}
SELECT id FROM defaulted WHERE thrice(id) = {key}
SELECT count(*) FROM stock WHERE id IN (SELECT id FROM stock_above(rate_slowly({org!})))
SELECT public.rate({org!}), s.n FROM stock s WHERE s.id = {key}
SELECT last_value >= 0 FROM numbers

-- @writes
UPDATE stock SET n = {n!} WHERE id = {key}
UPDATE stock SET n = rate(org) WHERE id = {key}
UPDATE stock SET n = visit({key!}) WHERE id = {key}
UPDATE stock SET n = spend(org) WHERE id = {key}
UPDATE stock SET org = {org} WHERE id = {key}
UPDATE stock SET n = {n!} WHERE id = twice({org!})
UPDATE stock SET n = {n!} WHERE id = {key} AND visit_sql({key!}) > 0
UPDATE rates SET n = {n!} WHERE org = {org}
UPDATE rates SET n = nextval('numbers') % 10 WHERE org = {org}
DELETE FROM stock WHERE id = visit({key!})
DELETE FROM stock WHERE id = {key}
DELETE FROM rates WHERE org = {org}
INSERT INTO tickets VALUES (visit({key!}), {n!})
INSERT INTO tickets SELECT id, n FROM stock_of({org!}) ON CONFLICT DO NOTHING
INSERT INTO tickets SELECT visit_sql(id), n FROM stock WHERE id = {key} ON CONFLICT DO NOTHING
INSERT INTO defaulted (id) VALUES ({key})
INSERT INTO defaulted (id, n, k) VALUES ({key}, {n!}, {org!})
INSERT INTO defaulted (id, n, checked) VALUES ({key}, {n!}, {org!})
INSERT INTO defaulted (id, n) VALUES ({key}, DEFAULT) RETURNING id
UPDATE defaulted SET n = DEFAULT WHERE id = {key}
UPDATE defaulted SET checked = {org!} WHERE id = {key}
UPDATE defaulted SET id = {key!} + 12 WHERE id = {key}
DELETE FROM defaulted WHERE id = {key} OR id > 12
DELETE FROM tickets WHERE id = {key}
CALL restock({org!})
CALL restock_sql({org!})
DO $$ BEGIN UPDATE rates SET n = n + 1 WHERE org = 2; END $$
SELECT visit({key!})
SELECT spend({org!})
SELECT seen FROM visiting WHERE id = {key}
DELETE FROM visits WHERE id = {key}
! TRUNCATE visits

-- @refill
INSERT INTO stock SELECT g, 1 + g % 4, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING
INSERT INTO rates SELECT g, g FROM generate_series(1, 4) g ON CONFLICT DO NOTHING
INSERT INTO tickets SELECT g, g FROM generate_series(1, 6) g ON CONFLICT DO NOTHING
UPDATE rates SET n = n % 10
DELETE FROM visits WHERE no < (SELECT max(no) - 20 FROM visits)

-- @calls
SELECT visit({key!})
SELECT id, visit(id) FROM stock WHERE id = {key}
SELECT visit_sql({key!})
SELECT spend({org!}), n FROM stock WHERE id = {key}
SELECT id, seen FROM visiting WHERE id = {key}
SELECT count(*) FROM stock WHERE id = {key} AND visit(id) > 0
SELECT nextval('numbers') > 0
SELECT x FROM visit({key!}) x

-- @ddl
CREATE OR REPLACE FUNCTION rate(o int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM rates WHERE org = o'
CREATE OR REPLACE FUNCTION rate(o int) RETURNS int STABLE LANGUAGE sql AS 'SELECT max(n) FROM stock WHERE org = o'
CREATE OR REPLACE FUNCTION rate(o int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM tickets WHERE id = o'
CREATE OR REPLACE FUNCTION twice(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x + x'
CREATE OR REPLACE FUNCTION rate_slowly(o int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM visits WHERE id = o); END'
CREATE OR REPLACE FUNCTION rate_slowly(o int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT n FROM rates WHERE org = o); END'
ALTER FUNCTION rate_careless(int) STABLE
ALTER FUNCTION rate_careless(int) VOLATILE

-- @outside
CREATE OR REPLACE FUNCTION rate(o int) RETURNS int STABLE LANGUAGE sql AS 'SELECT min(n) FROM stock WHERE org = o'
CREATE OR REPLACE FUNCTION visit(x int) RETURNS int LANGUAGE plpgsql AS 'BEGIN UPDATE tickets SET n = n + 1 WHERE id = x; RETURN x; END'
CREATE OR REPLACE FUNCTION visit(x int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO visits (id) VALUES (x); RETURN x; END'
