//! Which rows a text is found to depend on or to change. See `cases/README.md` for how to read the tables.

use cachedpool::sql::{
    Dialect, Functions, Occurrence, Operand, Pin, PinnedWrite, Pins, Relation, analyse,
};

fn check(dialect: Dialect, file: &str) {
    super::cases::check(file, |sql| {
        described(&analyse(dialect, sql, &Functions::new()).pins)
    });
}

fn described(pins: &Pins) -> String {
    let reads = pins.reads.iter().map(occurrence);
    let write = pins.write.iter().map(|write| match write {
        PinnedWrite::Existing { target, assigned } => {
            format!("changes {} sets {}", occurrence(target), listed(assigned))
        }
        PinnedWrite::New {
            relation,
            columns,
            rows,
        } => {
            let columns = columns
                .as_ref()
                .map_or("*".to_owned(), |names| listed(names));
            let value = |value: &Option<Operand>| value.as_ref().map_or("_".to_owned(), operand);
            let rows: Vec<String> = rows
                .iter()
                .map(|row| row.iter().map(value).collect::<Vec<_>>().join(","))
                .collect();
            format!("adds {relation} {columns} {}", rows.join(" "))
        }
    });
    let found: Vec<String> = reads.chain(write).collect();
    if found.is_empty() {
        "-".to_owned()
    } else {
        found.join(" ")
    }
}

fn occurrence(occurrence: &Occurrence) -> String {
    let pin = |pin: &Pin| {
        let values: Vec<String> = pin.values.iter().map(operand).collect();
        let through = |(relation, column): &(Relation, Box<str>)| format!("<{relation}.{column}");
        let through: String = pin.through.iter().map(through).collect();
        format!("{}={}{through}", pin.column, values.join(","))
    };
    let pins: Vec<String> = occurrence.pins.iter().map(pin).collect();
    format!("{}[{}]", occurrence.relation, pins.join(";"))
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Parameter(index) => format!("${index}"),
        Operand::Integer(integer) => integer.to_string(),
        Operand::Text(text) => format!("'{text}'"),
        Operand::Bool(truth) => truth.to_string(),
    }
}

fn listed(names: &[Box<str>]) -> String {
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(",")
    }
}

#[test]
fn postgres_texts_pin_the_rows_they_say() {
    check(Dialect::Postgres, include_str!("cases/pins/postgres.txt"));
}

#[test]
fn mysql_texts_pin_the_rows_they_say() {
    check(Dialect::MySql, include_str!("cases/pins/mysql.txt"));
}

#[test]
fn sqlite_texts_pin_the_rows_they_say() {
    check(Dialect::Sqlite, include_str!("cases/pins/sqlite.txt"));
}

#[test]
fn what_a_declared_function_reads_is_not_pinned_by_the_text() {
    let functions = Functions::new().declare("total", ["orders"], [""; 0]);
    let sql = "SELECT total() FROM orders WHERE id = $1";
    let facts = analyse(Dialect::Postgres, sql, &functions);
    assert_eq!(described(&facts.pins), "orders[] orders[id=$0]");
}

#[test]
fn too_many_values_pin_nothing() {
    let list = |count: usize| vec!["1"; count].join(", ");
    let read = |count| format!("SELECT * FROM t WHERE id IN ({})", list(count));
    let either = |count| {
        format!(
            "SELECT * FROM t WHERE {}",
            vec!["id = 1"; count].join(" OR ")
        )
    };
    let rows = |count| format!("INSERT INTO t VALUES {}", vec!["(1)"; count].join(", "));
    let pins = |sql: String| analyse(Dialect::Sqlite, &sql, &Functions::new()).pins;
    for (most, more) in [(read(64), read(65)), (either(64), either(65))] {
        assert_eq!(pins(most).reads[0].pins[0].values.len(), 64);
        assert!(pins(more).reads[0].pins.is_empty());
    }
    assert!(pins(rows(64)).write.is_some());
    assert!(pins(rows(65)).write.is_none());
}
