//! The example's page in a real browser, and what of it went over the wire.

use cachedpool_test_support::Visit;

use crate::kit::Api;

#[tokio::test]
async fn a_page_that_fetches_twice_gets_304_and_then_what_a_write_has_made_of_it() {
    let api = Api::embedded().await;
    let visit = Visit::to(&format!("{}/#tour", api.url())).await;

    let exchanges = visit.exchanges(&format!("{}/users/1", api.url()));
    let exchanges: Vec<(&str, u16)> = exchanges
        .iter()
        .map(|exchange| (exchange.method.as_str(), exchange.status))
        .collect();
    let wanted = [("GET", 200), ("GET", 304), ("PUT", 200), ("GET", 200)];
    assert_eq!(exchanges, wanted, "{}", visit.document());

    // The page itself sees 200 each time, since the browser puts in the body that it has.
    let names: Vec<&str> = names(visit.document());
    assert_eq!(names.len(), 4, "{}", visit.document());
    assert_eq!((names[0], names[1]), ("User 1", "User 1"));
    assert!(names[2].starts_with("Ada "), "{names:?}");
    assert_eq!(names[3], names[2]);
    assert_eq!(api.get("/users/1").await.json()["name"], names[3]);
}

/// The last cell of each row of the page's log.
fn names(document: &str) -> Vec<&str> {
    let (_, log) = document.split_once("<tbody id=\"log\">").unwrap();
    let (log, _) = log.split_once("</tbody>").unwrap();
    log.split("</td></tr>")
        .filter_map(|row| row.rsplit_once("<td>"))
        .map(|(_, name)| name)
        .collect()
}
