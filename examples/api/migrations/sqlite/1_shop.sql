CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users,
    item TEXT NOT NULL,
    cents INTEGER NOT NULL
);
CREATE INDEX orders_of_user ON orders (user_id);

INSERT INTO users
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    SELECT i, 'User ' || i FROM n;
INSERT INTO orders
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    SELECT i, 1 + i * 7 % 100, 'Item ' || (i % 20), 100 + i * 7919 % 9900 FROM n;
