CREATE TABLE authors (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL);
CREATE TABLE books (
    id INTEGER PRIMARY KEY NOT NULL,
    author_id INTEGER NOT NULL REFERENCES authors,
    title TEXT NOT NULL,
    year INTEGER
);
INSERT INTO authors VALUES (1, 'George Eliot'), (2, 'Stendhal');
INSERT INTO books VALUES
    (1, 1, 'Middlemarch', 1871), (2, 1, 'Silas Marner', NULL), (3, 2, 'Le Rouge et le Noir', 1830);
