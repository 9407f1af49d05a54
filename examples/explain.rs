//! Judges SQL texts without a database.
//!
//! Reads JSON lines `{"sql": "…"}` on standard input and answers each with one line, in order:
//!
//! ```json
//! {"kind": "read", "reads": ["users"], "writes": [], "everything": false, "cacheable": true, "reason": null, "normal": "…"}
//! ```
//!
//! `kind` is one of `read`, `write`, `ddl`, `transaction`, `session`, `other`; `everything` marks a write that can reach
//! more than `writes` names; `reason` says in words why a result is not cacheable. A line that is not such an object is
//! answered with `{"error": "…"}`, and the next one is read.
//!
//! ```sh
//! echo '{"sql": "SELECT * FROM users"}' | cargo run --example explain --features postgres -- --dialect postgres
//! ```

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
};

use cachedpool::sql::{Dialect, Explanation, Kind, Relation, explain};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let Some(dialect) = dialect(std::env::args().skip(1)) else {
        eprintln!("usage: explain --dialect postgres|mysql|sqlite  < lines.jsonl");
        return ExitCode::from(2);
    };
    match answer(dialect) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the answers has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("explain: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dialect(arguments: impl Iterator<Item = String>) -> Option<Dialect> {
    let arguments: Vec<String> = arguments.collect();
    let name = match &arguments[..] {
        [flag, name] if flag == "--dialect" => name.as_str(),
        [one] => one.strip_prefix("--dialect=")?,
        _ => return None,
    };
    match name {
        "postgres" => Some(Dialect::Postgres),
        "mysql" => Some(Dialect::MySql),
        "sqlite" => Some(Dialect::Sqlite),
        _ => None,
    }
}

fn answer(dialect: Dialect) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let answer = match serde_json::from_slice::<Value>(&line) {
            Ok(object) => match object.get("sql").and_then(Value::as_str) {
                Some(sql) => described(&explain(dialect, sql)),
                None => json!({ "error": "no string \"sql\"" }),
            },
            Err(error) => json!({ "error": format!("not JSON: {error}") }),
        };
        writeln!(output, "{answer}")?;
        // One who types, or waits for each answer, is to have it.
        output.flush()?;
        line.clear();
    }
    Ok(())
}

fn described(explanation: &Explanation) -> Value {
    let names = |relations: &[Relation]| {
        relations
            .iter()
            .map(Relation::to_string)
            .collect::<Vec<_>>()
    };
    json!({
        "kind": kind(explanation.kind),
        "reads": names(&explanation.reads),
        "writes": names(&explanation.writes),
        "everything": explanation.everything,
        "cacheable": explanation.cacheable,
        "reason": explanation.reason.as_ref().map(ToString::to_string),
        "normal": &*explanation.normal,
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Read => "read",
        Kind::Write => "write",
        Kind::Ddl => "ddl",
        Kind::Transaction => "transaction",
        Kind::Session => "session",
        _ => "other",
    }
}
