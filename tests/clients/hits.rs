//! Second reads are hits and say so, in each verb, and nothing that is not cached is counted as one.

use cachedpool::{
    Freshness, Source,
    tokio_postgres::{Error, GenericClient as _},
};

use crate::kit::{Person, Scene, bare, people_of};

const PEOPLE: &str = "SELECT id, name FROM people ORDER BY id";

#[tokio::test]
async fn a_second_read_is_a_hit_and_says_so() {
    let scene = Scene::new().await;
    let sql = "SELECT id, name FROM people WHERE id = $1";
    let ada = async || {
        scene
            .client
            .cached(sql, &[&1_i64])
            .query_shared()
            .await
            .unwrap()
    };
    let first = ada().await;
    assert_eq!(first.source(), Source::Database);
    assert_eq!(people_of(&first), [Person::new(1, "Ada")]);

    scene
        .behind("UPDATE people SET name = 'Eve' WHERE id = 1")
        .await;
    let second = ada().await;
    assert_eq!(
        (second.source(), second.freshness()),
        (Source::Local, Freshness::Fresh)
    );
    assert_eq!(*second, *first);
    let tags: Vec<String> = second.tags().map(str::to_owned).collect();
    assert_eq!(bare(&tags), ["people"]);

    let stats = scene.client.stats();
    assert_eq!(
        (stats.hits_local, stats.misses, stats.loads, stats.entries),
        (1, 1, 1, 1)
    );
}

#[tokio::test]
async fn every_verb_gives_what_the_driver_gives() {
    let scene = Scene::new().await;
    let nobody = "SELECT id, name FROM people WHERE id = 99";
    let one = "SELECT id, name FROM people WHERE id = $1";
    for round in ["miss", "hit"] {
        let client = &scene.client;
        let all = client.cached(PEOPLE, &[]).query().await.unwrap();
        assert_eq!(
            people_of(&all),
            people_of(&client.query(PEOPLE, &[]).await.unwrap())
        );
        assert_eq!(people_of(&all), scene.truth("people").await, "{round}");
        let shared = client.cached(PEOPLE, &[]).query_shared().await.unwrap();
        assert_eq!(shared.to_vec(), all, "{round}");
        let row = client.cached(one, &[&1_i64]).query_one().await.unwrap();
        assert_eq!(row, all[0], "{round}");
        let row = client.cached(one, &[&2_i64]).query_opt().await.unwrap();
        assert_eq!(row.as_ref(), Some(&all[1]), "{round}");

        assert!(client.cached(nobody, &[]).query().await.unwrap().is_empty());
        assert_eq!(client.cached(nobody, &[]).query_opt().await.unwrap(), None);
        let error = client.cached(nobody, &[]).query_one().await.unwrap_err();
        assert!(matches!(error, Error::RowCount), "{round}: {error:?}");
        for error in [
            client.cached(PEOPLE, &[]).query_one().await.unwrap_err(),
            client.cached(PEOPLE, &[]).query_opt().await.unwrap_err(),
            client.query_one(PEOPLE, &[]).await.unwrap_err(),
            client.query_opt(PEOPLE, &[]).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::RowCount), "{round}: {error:?}");
        }
    }
}
