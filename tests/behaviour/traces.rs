//! What `tracing` is told.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write as _},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use cachedpool::CacheExt as _;
use tracing::{
    Dispatch, Event, Id, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};

use crate::kit::{Person, Scene, TestDatabase, query, read};

tests!(sqlite, postgres, mariadb => [
    loads_refreshes_and_writes_have_spans_below_their_caller,
    nothing_that_is_traced_holds_what_was_bound_or_written,
]);

/// Keeps the spans of this crate, as `parent>name{fields}`, and the texts of its events.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    names: BTreeMap<u64, &'static str>,
    entered: Vec<u64>,
    lines: Vec<String>,
}

/// While there is one dispatcher only, `tracing` asks the thread that meets a span's place first whether anybody wants it,
/// and that may be another test's. So there are always two.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Collector::default()));

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Collector {
    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().lines)
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ["cachedpool", "test"].contains(&metadata.target())
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut collected = self.0.lock().unwrap();
        let id = collected.names.len() as u64 + 1;
        let parent = collected
            .entered
            .last()
            .and_then(|parent| collected.names.get(parent))
            .copied();
        let name = span.metadata().name();
        collected.names.insert(id, name);
        collected
            .lines
            .push(format!("{}>{name}", parent.unwrap_or_default()));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut text = String::new();
        values.record(&mut Text(&mut text));
        self.0.lock().unwrap().lines.push(text);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0.lock().unwrap().lines.push(text);
    }

    fn enter(&self, span: &Id) {
        self.0.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut collected = self.0.lock().unwrap();
        let at = collected
            .entered
            .iter()
            .rposition(|entered| *entered == span.into_u64());
        collected.entered.remove(at.unwrap());
    }
}

async fn loads_refreshes_and_writes_have_spans_below_their_caller<DB: TestDatabase>() {
    use tracing::Instrument as _;
    let scene = Scene::<DB>::new().await;
    let collector = Collector::default();
    LazyLock::force(&SECOND);
    let _guard = tracing::subscriber::set_default(collector.clone());
    let caller = || tracing::info_span!(target: "test", "caller");
    let people = || {
        read::<DB, Person>("SELECT id, name FROM people ORDER BY id", [])
            .cached(&scene.pool)
            .ttl(Duration::from_secs(10))
            .stale_while_revalidate(Duration::from_secs(10))
            .fetch_all()
            .instrument(caller())
    };
    people().await.unwrap();
    let lines = collector.lines();
    assert!(lines.contains(&"caller>load".to_owned()), "{lines:?}");
    // A hit costs no span.
    people().await.unwrap();
    assert_eq!(collector.lines(), [">caller"]);
    scene.hand.advance(Duration::from_secs(11));
    people().await.unwrap();
    let lines = collector.lines();
    assert!(lines.contains(&"caller>refresh".to_owned()), "{lines:?}");
    let write = query::<DB>("DELETE FROM people WHERE id = 1", []);
    write
        .execute(&scene.pool)
        .instrument(caller())
        .await
        .unwrap();
    let lines = collector.lines();
    assert!(lines.contains(&"caller>write".to_owned()), "{lines:?}");
}

async fn nothing_that_is_traced_holds_what_was_bound_or_written<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let collector = Collector::default();
    LazyLock::force(&SECOND);
    let _guard = tracing::subscriber::set_default(collector.clone());
    let secret = read::<DB, Person>(
        "SELECT id, name FROM people WHERE name = $1 OR name = 'literal-secret' /* cachedpool: ttl=hint-secret */",
        ["bound-secret".into()],
    );
    secret
        .cached(&scene.pool)
        .scope("scope-secret")
        .tag("tag-secret")
        .fetch_all()
        .await
        .unwrap();
    let write = query::<DB>(
        "UPDATE people SET name = 'written-secret' WHERE name = $1",
        ["bound-secret".into()],
    );
    write.execute(&scene.pool).await.unwrap();
    let broken = query::<DB>("INSERT INTO people VALUES (1, 'written-secret')", []);
    broken.execute(&scene.pool).await.unwrap_err();
    let lines = collector.lines();
    assert!(lines.iter().any(|line| line.contains("hint")), "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains("secret")),
        "{lines:?}"
    );
}
