-- Row-level security. Every connection says in `app.tenant` who asks, and changes its mind; reads say so with a scope, or forget to.
-- The role owns the tables, so that it can change them, and is subject to the policies all the same.

-- @schema
CREATE TABLE members (id int PRIMARY KEY, tenant int NOT NULL, n int);
CREATE TABLE papers (id int PRIMARY KEY, tenant int NOT NULL, member int, n int, name text);
CREATE TABLE granted (paper int, tenant int, PRIMARY KEY (paper, tenant));
CREATE TABLE shared (id int PRIMARY KEY, n int);
CREATE INDEX ON papers (member);
CREATE FUNCTION tenant() RETURNS int STABLE LANGUAGE sql AS $$ SELECT current_setting('app.tenant')::int $$;
CREATE FUNCTION is_granted(which int) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT EXISTS (SELECT FROM public.granted g WHERE g.paper = which AND g.tenant = public.tenant()) $$;
ALTER TABLE members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE papers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON members USING (tenant = current_setting('app.tenant')::int);
CREATE POLICY own ON papers FOR ALL USING (tenant = tenant());
CREATE POLICY granted ON papers FOR SELECT USING (is_granted(id));
CREATE POLICY few ON papers AS RESTRICTIVE FOR SELECT USING (n < 9 OR member IN (SELECT id FROM members));
CREATE VIEW my_papers WITH (security_invoker) AS SELECT id, n FROM papers;
CREATE VIEW all_papers AS SELECT id, tenant, n FROM papers WHERE n > 2;
CREATE VIEW tenant_shared AS SELECT id, n FROM shared WHERE id % 2 = tenant() % 2;
CREATE FUNCTION paper_count() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM papers';
CREATE MATERIALIZED VIEW paper_sizes AS SELECT tenant, count(*) AS size FROM papers GROUP BY tenant;

-- @tables
rw members id:key n:n
rw papers id:key tenant:org member:key n:n
papers id:key n:n name:text
rw granted paper:key tenant:org
rw shared id:key n:n
my_papers id:key n:n

-- @reads
SELECT id, tenant, n FROM members WHERE id = {key}
SELECT id, tenant, n FROM members
SELECT id, tenant, member, n FROM papers WHERE id = {key}
SELECT id, n FROM papers WHERE member = {key}
SELECT count(*), sum(n) FROM papers
SELECT id, n FROM my_papers WHERE id = {key}
SELECT id, tenant, n FROM all_papers WHERE id = {key}
SELECT id, n FROM tenant_shared
SELECT id, n FROM shared WHERE id = {key}
SELECT paper_count()
SELECT tenant, size FROM paper_sizes
SELECT m.id, p.id FROM members m LEFT JOIN papers p ON p.member = m.id WHERE m.id = {key}
SELECT s.id, p.n FROM shared s LEFT JOIN papers p ON p.id = s.id WHERE s.id = {key}
SELECT id FROM shared WHERE id IN (SELECT member FROM papers)
SELECT id, is_granted(id) FROM shared WHERE id = {key}
SELECT paper FROM granted WHERE tenant = {org}

-- @writes
UPDATE members SET n = {n!} WHERE id = {key}
UPDATE papers SET n = {n!} WHERE id = {key}
UPDATE papers SET member = {key} WHERE id = {key}
UPDATE papers SET n = {n!} WHERE member = {key}
UPDATE papers SET tenant = {org} WHERE id = {key}
UPDATE my_papers SET n = {n!} WHERE id = {key}
UPDATE shared SET n = {n!} WHERE id = {key}
DELETE FROM papers WHERE id = {key}
DELETE FROM members WHERE id = {key}
DELETE FROM granted WHERE paper = {key}
INSERT INTO papers (id, tenant, member, n) VALUES ({key}, {org}, {key}, {n!})
INSERT INTO members (id, tenant, n) VALUES ({key}, tenant(), {n!})
INSERT INTO granted VALUES ({key}, {org}) ON CONFLICT DO NOTHING
! REFRESH MATERIALIZED VIEW paper_sizes

-- @refill
INSERT INTO members SELECT g, tenant(), g % 10 FROM generate_series(1, 12) g WHERE g % 2 = tenant() % 2 ON CONFLICT DO NOTHING
INSERT INTO papers SELECT g, tenant(), 1 + g * 5 % 12, g % 10, chr(96 + g) FROM generate_series(1, 12) g WHERE g % 2 = tenant() % 2 ON CONFLICT DO NOTHING
INSERT INTO granted SELECT g, 1 + g % 2 FROM generate_series(1, 12) g WHERE g % 3 = 0 ON CONFLICT DO NOTHING
INSERT INTO shared SELECT g, g % 10 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING

-- @ddl
ALTER POLICY own ON papers USING (tenant = tenant() OR n = 3)
ALTER POLICY own ON papers USING (tenant = tenant())
ALTER POLICY own ON members USING (true) WITH CHECK (tenant = tenant())
ALTER POLICY own ON members USING (tenant = current_setting('app.tenant')::int)
CREATE POLICY more ON papers FOR SELECT USING (name = 'a' OR id IN (SELECT id FROM shared WHERE n > 5))
DROP POLICY IF EXISTS more ON papers
ALTER TABLE members DISABLE ROW LEVEL SECURITY
ALTER TABLE members ENABLE ROW LEVEL SECURITY
ALTER TABLE shared ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY
ALTER TABLE shared DISABLE ROW LEVEL SECURITY
CREATE OR REPLACE FUNCTION is_granted(which int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.shared s WHERE s.id = which AND s.n > 4)'
CREATE OR REPLACE FUNCTION is_granted(which int) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT EXISTS (SELECT FROM public.granted g WHERE g.paper = which AND g.tenant = public.tenant()) $$

-- @outside
ALTER TABLE members DISABLE ROW LEVEL SECURITY
ALTER TABLE members ENABLE ROW LEVEL SECURITY
ALTER POLICY own ON papers USING (tenant = tenant() OR n = 4)

-- @session
SET app.tenant = '1'
SET app.tenant = '2'
SELECT set_config('app.tenant', '2', false)
SET row_security = off
UPDATE papers SET n = {n!} WHERE id = {key}
