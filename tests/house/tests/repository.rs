//! Holds the rules over the repository. Each test prints what it found, with the place.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use cachedpool_house::exceptions::Exceptions;
use cachedpool_house::{arrows, dependencies, hosts, links, places, repository, shape};

fn list(name: &str) -> Exceptions {
    Exceptions::parse(
        name,
        &repository::read(&format!("tests/house/data/{name}.txt")).unwrap(),
    )
    .unwrap()
}

/// The crate's sources, by their paths below `src/`.
fn sources() -> Vec<(String, String)> {
    let sources: Vec<_> = repository::files()
        .unwrap()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .filter_map(|path| {
            Some((
                path.strip_prefix("src/")?.to_owned(),
                repository::read(&path).unwrap(),
            ))
        })
        .collect();
    assert!(
        sources.iter().any(|(path, _)| path == "lib.rs"),
        "the sources are read"
    );
    sources
}

#[track_caller]
fn assert_none(findings: Vec<String>) {
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    let arrows = list("arrows");
    assert_none(
        sources()
            .iter()
            .flat_map(|(path, source)| arrows::findings(path, source, &arrows))
            .collect(),
    );
}

#[test]
fn foreign_crates_time_and_spawned_work_stay_in_their_places() {
    let places = list("places");
    assert_none(
        sources()
            .iter()
            .flat_map(|(path, source)| places::findings(path, source, &places))
            .collect(),
    );
}

#[test]
fn every_rust_file_says_what_it_promises_and_is_short_or_has_a_reason() {
    let long = list("long");
    let rust = repository::files()
        .unwrap()
        .into_iter()
        .filter(|path| path.ends_with(".rs"));
    let mut findings: Vec<_> = rust
        .flat_map(|path| shape::findings(&path, &repository::read(&path).unwrap(), &long))
        .collect();
    findings.extend(long.unused());
    assert_none(findings);
}

#[test]
fn every_dependency_has_an_accepted_licence() {
    let licences = list("licences");
    let mut findings = dependencies::licence_findings(&repository::metadata().unwrap(), &licences);
    findings.extend(licences.unused());
    assert_none(findings);
}

#[test]
fn no_user_builds_a_package_twice() {
    let accepted = list("duplicates");
    let mut findings =
        dependencies::duplicate_findings(&repository::metadata().unwrap(), "cachedpool", &accepted);
    findings.extend(accepted.unused());
    assert_none(findings);
}

#[test]
fn paths_in_documents_lead_somewhere() {
    let exists = |path: &str| repository::root().join(path).exists();
    let documents = repository::files()
        .unwrap()
        .into_iter()
        .filter(|path| path.ends_with(".md"));
    assert_none(
        documents
            .flat_map(|path| links::findings(&path, &repository::read(&path).unwrap(), exists))
            .collect(),
    );
}

#[test]
fn no_file_tells_of_a_machine_or_a_private_host() {
    let (hosts, foreign) = (list("hosts"), list("foreign"));
    let is_foreign = |path: &str| {
        foreign.keys().any(|key| {
            key.strip_prefix('*')
                .map_or(path == key, |ending| path.ends_with(ending))
        })
    };
    let mut findings = Vec::new();
    for path in repository::files()
        .unwrap()
        .into_iter()
        .filter(|path| !is_foreign(path))
    {
        findings.extend(hosts::findings(
            &path,
            &repository::read_lossy(&path).unwrap(),
            &hosts,
        ));
    }
    assert_none(findings);
}
